/** Short texts at the bottom of the page, for the eye and for screen readers.
 * Each modal dialog has live regions of its own, since the page's are inert
 * below it, and a screen reader speaks only regions that were there before. */
import { element, topmost } from '../lib/dom.js';

const region = (name) => [...topmost().children].find((it) => it.classList.contains(name));

export function say(text) {
  const toast = element('p', { class: 'toast' }, text);
  region('toasts').append(toast);
  setTimeout(() => toast.remove(), 5_000);
}

/** For screen readers alone. */
export function tellListeners(text) {
  const line = element('p', {}, text);
  region('ear').append(line);
  setTimeout(() => line.remove(), 10_000);
}

/** The live regions of a dialog. */
export const regions = () => [
  element('div', { class: 'toasts', role: 'status' }),
  element('div', { class: 'unseen ear', role: 'log', 'aria-live': 'polite' }),
];

/** A dialog that closes leaves its toasts to what is below it. */
export function keepToasts(dialog) {
  const left = dialog.querySelectorAll('.toast');
  if (left.length) region('toasts').append(...left);
}
