/** What is said once, quietly, at the bottom: to all who look or listen. */
import { element, find } from '../lib/dom.js';

export function say(text) {
  const toast = element('p', { class: 'toast' }, text);
  find('.toasts').append(toast);
  setTimeout(() => toast.remove(), 5_000);
}

/** For those who listen alone. */
export function tellListeners(text) {
  const line = element('p', {}, text);
  find('.ear').append(line);
  setTimeout(() => line.remove(), 10_000);
}
