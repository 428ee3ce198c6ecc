/** The quick emoji of a message, and the way to all others. */
import { element, find } from '../lib/dom.js';
import { QUICK } from '../lib/emoji.js';
import { openPopover } from './menu.js';
import { say } from './toast.js';

/**
 * Opens the picker of all emoji, whose module is loaded at the first use.
 * @param {HTMLElement | { x: number, y: number }} at @param {(sign: string) => void} pick
 */
export async function openEmoji(at, pick) {
  const picker = await import('../sheets/picker.js').catch(() => null);
  if (picker) picker.openPicker(at, pick);
  else say('The emoji could not be loaded. Try again when you are online.');
}

/** Opens the quick row alone.
 * @param {HTMLElement | { x: number, y: number }} at */
export function openQuick(at, { pick, more, has }) {
  const done = (act) => (sign) => {
    close();
    act(sign);
  };
  const box = element('div', {
    class: 'menu is-quick', popover: 'auto', role: 'dialog', 'aria-label': 'React',
  }, quickRow({ pick: done(pick), more: done(more), has }));
  const close = openPopover(box, at);
  find('button', box).focus();
}

/**
 * Returns a row of the quick emoji, with a button for all others.
 * @param {{ pick: (sign: string) => void, more: () => void, has: (sign: string) => boolean }} on
 */
export function quickRow({ pick, more, has }) {
  const buttons = [
    ...QUICK.map((sign) => element('button', {
      type: 'button', 'aria-label': `React with ${sign}`, 'aria-pressed': String(has(sign)),
      onclick: () => pick(sign),
    }, sign)),
    element('button', { type: 'button', 'aria-label': 'More emoji', onclick: more }, '+'),
  ];
  const row = element('div', { class: 'quick', role: 'group', 'aria-label': 'React' }, ...buttons);
  row.addEventListener('keydown', (event) => {
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    buttons.at(to % buttons.length).focus();
  });
  return row;
}

/** Lists who reacted to a message, and how.
 * @param {HTMLElement} button one of the reactions of the message */
export function openReactions(button) {
  const all = [...button.closest('.reactions').querySelectorAll('button')];
  const box = element('div', {
    class: 'menu is-names', popover: 'auto', role: 'dialog', 'aria-label': 'Reactions', tabindex: '-1',
  }, ...all.map((each) => element('p', {}, `${each.dataset.emoji} `,
    element('span', {}, find('.names', each).textContent.trim()))));
  openPopover(box, button);
  box.focus();
}
