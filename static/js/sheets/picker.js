/** The emoji picker: a search field, the groups as tabs, and skin tones. */
import { element } from '../lib/dom.js';
import { QUICK } from '../lib/emoji.js';
import { keep, kept } from '../lib/kept.js';
import { openPopover } from '../view/menu.js';
import { TONES, allEmoji, beside, recent, sought, toned, used } from './emoji_list.js';

const COLUMNS = 8;
const ARROWS = ['ArrowDown', 'ArrowUp', 'ArrowRight', 'ArrowLeft'];
const TONE = 'tone';
const TONE_NAMES = ['No skin tone', 'Light', 'Medium-light', 'Medium', 'Medium-dark', 'Dark'];

/** @param {HTMLElement | { x: number, y: number }} at @param {(sign: string) => void} pick */
export function openPicker(at, pick) {
  const field = element('input', {
    type: 'search', placeholder: 'Search emoji', 'aria-label': 'Search emoji', autocomplete: 'off',
  });
  const tabs = element('div', { class: 'emoji-tabs', role: 'group', 'aria-label': 'Groups' });
  const shelves = element('div', { class: 'emoji-shelves', 'aria-busy': 'true' });
  const said = element('p', { class: 'emoji-said', role: 'status' });
  const tones = toneChoice(kept(TONE, 0), (tone) => {
    keep(TONE, tone);
    fill();
  });
  const box = element('div', {
    class: 'menu emoji', popover: 'auto', role: 'dialog', 'aria-label': 'Emoji',
  }, field, tabs, shelves, said, tones);
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
    const drawn = found.map((shelf) => draw(shelf, choose));
    shelves.replaceChildren(...drawn);
    shelves.scrollTop = 0;
    shelves.querySelector('button')?.setAttribute('tabindex', '0');
    tabs.replaceChildren(...drawn.map((shelf, which) => tabOf(shelf, found[which], shelves)));
    showTab(tabs, shelves);
    said.textContent = trouble ?? (found.length ? '' : 'No results.');
  };
  field.addEventListener('input', fill);
  shelves.addEventListener('scroll', () => showTab(tabs, shelves), { passive: true });
  tabs.addEventListener('keydown', (event) => walkTabs(event, tabs));
  box.addEventListener('keydown', (event) => walk(event, field, shelves));
  const close = openPopover(box, at);
  field.focus();
  fill();
}

/** Returns matching emoji, or the quick ones if the list can't be fetched. */
async function find(typed, lately) {
  try {
    const all = toned(await allEmoji(), kept(TONE, 0));
    return { found: sought(all, typed, lately), trouble: null };
  } catch {
    const few = QUICK.map((sign) => ({ sign, words: sign }));
    return {
      found: [{ name: 'Common', emoji: few }],
      trouble: 'More emoji could not be loaded. Try again when you are online.',
    };
  }
}

/** The skin tones as radio buttons, so that arrows walk through them. */
function toneChoice(chosen, change) {
  return element('fieldset', { class: 'emoji-tones' },
    element('legend', { class: 'unseen' }, 'Skin tone'),
    ...TONES.map((tone, at) => element('label', { title: TONE_NAMES[at] },
      element('input', {
        type: 'radio', name: 'tone', class: 'unseen', 'aria-label': TONE_NAMES[at],
        checked: at === chosen, onchange: () => change(at),
      }), `✋${tone}`)));
}

function draw({ name, emoji }, choose) {
  return element('section', { class: 'emoji-shelf', 'aria-label': name },
    element('h3', {}, name),
    element('div', { class: 'emoji-grid' }, ...emoji.map(({ sign, words }) =>
      element('button', {
        type: 'button', title: words, 'aria-label': words, tabindex: '-1', onclick: () => choose(sign),
      }, sign))));
}

/** A tab scrolls to its group. Its icon is the first emoji of the group. */
function tabOf(section, { name, emoji }, shelves) {
  const icon = name === 'Recently used' ? '🕘' : emoji[0].sign;
  return element('button', {
    type: 'button', title: name, 'aria-label': name, tabindex: '-1',
    onclick: () => { shelves.scrollTop += section.getBoundingClientRect().top - shelves.getBoundingClientRect().top; },
  }, icon);
}

/** Marks the tab of the group at the top of the shelves. */
function showTab(tabs, shelves) {
  const { top } = shelves.getBoundingClientRect();
  const at = [...shelves.children].findLastIndex((it) => it.getBoundingClientRect().top <= top + 4);
  [...tabs.children].forEach((tab, which) => {
    const isHere = which === Math.max(at, 0);
    if (isHere) tab.setAttribute('aria-current', 'true');
    else tab.removeAttribute('aria-current');
    tab.tabIndex = isHere ? 0 : -1;
  });
}

function walkTabs(event, tabs) {
  const all = [...tabs.children];
  const at = all.indexOf(document.activeElement);
  const to = {
    ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  all.at(to % all.length).focus();
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
