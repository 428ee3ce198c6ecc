/** Short texts at the bottom of the list, also for screen readers. Each modal
 * dialog has its own live regions: the page's are inert below it, and screen
 * readers announce only regions that existed before the text. */
import { element, topmost } from '../lib/dom.js';

/** Milliseconds that a toast stays. Time under the pointer or with the focus
 * doesn't count. */
const STAYS = 6_000;

const region = (name) => [...topmost().children].find((it) => it.classList.contains(name));

/** Replaces the toast that is shown.
 * @param {string} text
 * @param {{ undo?: (() => void) | null }} [how] `undo` takes the action back */
export function say(text, { undo = null } = {}) {
  document.querySelectorAll('.toast').forEach((toast) => toast.remove());
  const toast = element('p', { class: 'toast' }, text);
  const stop = stay(toast);
  if (undo) {
    toast.append(' ', element('button', {
      type: 'button',
      class: 'button is-quiet',
      onclick: () => {
        stop();
        undo();
      },
    }, 'Undo'));
  }
  region('toasts').append(toast);
}

/** Removes a toast in time. Returns a function that removes it at once. */
function stay(toast) {
  let left = STAYS;
  let since = 0;
  let timer = 0;
  /** The element that had the focus before the toast. */
  let before = null;
  const stop = () => {
    clearTimeout(timer);
    const hadFocus = toast.contains(document.activeElement);
    toast.remove();
    if (hadFocus) before?.focus({ preventScroll: true });
  };
  const run = () => {
    clearTimeout(timer);
    since = performance.now();
    timer = setTimeout(stop, left);
  };
  const pause = () => {
    clearTimeout(timer);
    left = Math.max(1_000, left - (performance.now() - since));
  };
  const goOn = () => {
    if (!toast.matches(':hover, :focus-within')) run();
  };
  toast.addEventListener('pointerenter', pause);
  toast.addEventListener('pointerleave', goOn);
  toast.addEventListener('focusin', ({ relatedTarget }) => {
    before = relatedTarget;
    pause();
  });
  // The focus has moved once the event is over.
  toast.addEventListener('focusout', () => queueMicrotask(goOn));
  run();
  return stop;
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
