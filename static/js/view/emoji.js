/** The emoji picker: a search field, and groups to walk through by arrows. */
import { element } from '../lib/dom.js';
import { QUICK, allEmoji, beside, recent, sought, used } from '../lib/emoji.js';
import { openPopover } from './menu.js';

const COLUMNS = 8;
const ARROWS = ['ArrowDown', 'ArrowUp', 'ArrowRight', 'ArrowLeft'];

/** @param {HTMLElement | { x: number, y: number }} at @param {(sign: string) => void} pick */
export function openEmoji(at, pick) {
  const field = element('input', {
    type: 'search', placeholder: 'Search emoji', 'aria-label': 'Search emoji', autocomplete: 'off',
  });
  const shelves = element('div', { class: 'emoji-shelves', 'aria-busy': 'true' });
  const said = element('p', { class: 'emoji-said', role: 'status' });
  const box = element('div', { class: 'menu emoji', popover: 'auto' }, field, shelves, said);
  const choose = (sign) => {
    close();
    used(sign);
    pick(sign);
  };
  const lately = recent();
  const fill = async () => {
    const typed = field.value;
    const { found, trouble } = await find(typed, lately);
    if (typed !== field.value) return;
    shelves.removeAttribute('aria-busy');
    shelves.replaceChildren(...found.map((shelf) => drawn(shelf, choose)));
    shelves.scrollTop = 0;
    said.textContent = trouble ?? (found.length ? '' : 'No results.');
  };
  field.addEventListener('input', fill);
  box.addEventListener('keydown', (event) => walk(event, field, shelves));
  const close = openPopover(box, at);
  field.focus();
  fill();
}

/** Returns matching emoji, or the quick ones if the list can't be fetched. */
async function find(typed, lately) {
  try {
    return { found: sought(await allEmoji(), typed, lately), trouble: null };
  } catch {
    const few = QUICK.map((sign) => ({ sign, words: sign }));
    return {
      found: [{ name: 'Common', emoji: few }],
      trouble: 'More emoji could not be loaded. Try again when you are online.',
    };
  }
}

function drawn({ name, emoji }, choose) {
  return element('section', { class: 'emoji-shelf', 'aria-label': name },
    element('h3', {}, name),
    element('div', { class: 'emoji-grid' }, ...emoji.map(({ sign, words }) =>
      element('button', {
        type: 'button', title: words, 'aria-label': words, onclick: () => choose(sign),
      }, sign))));
}

function walk(event, field, shelves) {
  const grids = [...shelves.querySelectorAll('.emoji-grid')];
  const isInField = document.activeElement === field;
  if (isInField) {
    if (event.key !== 'Enter' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    const first = grids[0]?.children[0];
    if (event.key === 'Enter') first?.click();
    else first?.focus();
    return;
  }
  const button = document.activeElement;
  const shelf = grids.indexOf(button?.parentElement);
  if (shelf < 0 || !ARROWS.includes(event.key)) return;
  event.preventDefault();
  const place = [shelf, [...grids[shelf].children].indexOf(button)];
  const sizes = grids.map((grid) => grid.children.length);
  const next = beside(sizes, place, event.key, COLUMNS);
  if (next) grids[next[0]].children[next[1]].focus();
  else field.focus();
}

/** A row of the quick emoji, with a button for all others. */
export function quickRow(pick, more) {
  return element('div', { class: 'quick', role: 'group', 'aria-label': 'React' },
    ...QUICK.map((sign) => element('button', {
      type: 'button', 'aria-label': `React with ${sign}`, onclick: () => pick(sign),
    }, sign)),
    element('button', { type: 'button', 'aria-label': 'More emoji', onclick: more }, '+'));
}
