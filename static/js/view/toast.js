/** Short texts at the bottom of the page, also for screen readers. Each modal
 * dialog has its own live regions: the page's are inert below it, and screen
 * readers announce only regions that existed before the text. */
import { element, topmost } from '../lib/dom.js';

const region = (name) => [...topmost().children].find((it) => it.classList.contains(name));

export function say(text) {
  const toast = element('p', { class: 'toast' }, text);
  region('toasts').append(toast);
  setTimeout(() => toast.remove(), 5_000);
}

/** Announces a text to screen readers only. */
export function tellListeners(text) {
  const line = element('p', {}, text);
  region('announcements').append(line);
  setTimeout(() => line.remove(), 10_000);
}

/** Returns the live regions of a dialog. */
export const regions = () => [
  element('div', { class: 'toasts', role: 'status' }),
  element('div', { class: 'unseen announcements', role: 'log', 'aria-live': 'polite' }),
];

/** Moves the toasts of a closed dialog to the page or dialog below it. */
export function keepToasts(dialog) {
  const left = dialog.querySelectorAll('.toast');
  if (left.length) region('toasts').append(...left);
}
