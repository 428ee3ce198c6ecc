/** A menu beside its anchor: arrows move, Enter chooses, Escape and a click
 * elsewhere close it, and the focus returns to where it was. */
import { element, find, topmost } from '../lib/dom.js';
import { keyNames } from '../lib/shortcuts.js';
import { addLayer } from './layers.js';

const EDGE = 8;

/**
 * @param {{ text: string, act: () => void, isGrave?: boolean, keys?: string | null }[]} entries
 *   `keys` is the shortcut of an entry
 * @param {{ x: number, y: number } | HTMLElement} at
 * @param {{ label: string, head?: HTMLElement, whenClosed?: () => void }} about
 */
export function openMenu(entries, at, { label, head = null, whenClosed }) {
  const buttons = entries.map(({ text, act, isGrave, keys }) => element('button', {
    type: 'button', role: 'menuitem', tabindex: '-1', class: isGrave ? 'is-grave' : '',
    'aria-keyshortcuts': keys?.replace('Ctrl', 'Control'),
    onclick: () => {
      close();
      act();
    },
  }, text, Boolean(keys) && element('kbd', { 'aria-hidden': 'true' }, keyNames(keys).join(' '))));
  const menu = element('div', { class: 'menu', popover: 'auto' }, head,
    element('div', { role: 'menu', 'aria-label': label }, ...buttons));
  const close = openPopover(menu, at, whenClosed);
  menu.addEventListener('keydown', (event) => walk(event, buttons, head));
  buttons[0]?.focus();
  return close;
}

/** Opens a popover, within the landmark that has the focus; returns a function
 * that closes it. */
export function openPopover(box, at, whenClosed = () => {}) {
  const before = document.activeElement;
  const label = before?.ariaLabel;
  landmark(before).append(box);
  let isClosed = false;
  let isHeld = fingers > 0;
  if (isHeld) {
    box.popover = 'manual';
    whenLifted(() => {
      if (isClosed) return;
      box.popover = 'auto';
      box.showPopover();
      isHeld = false;
    });
  }
  box.showPopover();
  place(box, at);
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    closed();
    whenClosed();
    const hadFocus = box.contains(document.activeElement) || document.activeElement === document.body;
    box.remove();
    if (!hadFocus) return;
    // The button may have been replaced meanwhile.
    const drawnAnew = !before?.isConnected && label && find(`[aria-label=${CSS.escape(label)}]`);
    (drawnAnew || before)?.focus?.({ preventScroll: true });
  };
  const closed = addLayer(close);
  box.addEventListener('toggle', ({ newState }) => newState === 'closed' && !isHeld && close());
  return close;
}

/** Returns the visible landmark of an element, else the topmost dialog or the
 * body. */
function landmark(node) {
  const top = topmost();
  if (top !== document.body) return top;
  const isShown = (it) => it?.checkVisibility();
  return [node?.closest('main, aside'), find('main'), find('aside')].find(isShown) ?? top;
}

let fingers = 0;
const count = ({ touches }) => { fingers = touches.length; };
for (const kind of ['touchstart', 'touchend', 'touchcancel']) {
  document.addEventListener(kind, count, { capture: true, passive: true });
}

/** Calls `act` when the last finger is lifted, and cancels the click: it would
 * close the popover that a long press opened, and hit the element below. */
function whenLifted(act) {
  const lifted = (event) => {
    if (event.touches.length > 0) return;
    document.removeEventListener('touchend', lifted);
    document.removeEventListener('touchcancel', lifted);
    if (event.cancelable) event.preventDefault();
    act();
  };
  document.addEventListener('touchend', lifted, { passive: false });
  document.addEventListener('touchcancel', lifted);
}

/** Places a box beside `at`, within the window. */
function place(box, at) {
  const spot = at instanceof Element ? at.getBoundingClientRect() : null;
  // The opening animation doesn't scale these sizes.
  const { offsetWidth: width, offsetHeight: height } = box;
  const x = spot ? spot.right - width : at.x;
  const below = spot ? spot.bottom + 4 : at.y;
  const above = (spot ? spot.top - 4 : at.above ?? at.y) - height;
  const y = below + height > innerHeight - EDGE && above > EDGE ? above : below;
  const within = (value, size, room) => Math.max(EDGE, Math.min(value, room - size - EDGE));
  box.style.left = `${within(x, width, innerWidth)}px`;
  box.style.top = `${within(y, height, innerHeight)}px`;
}

/** The row above the entries is one more stop; arrows to the sides walk in it. */
function walk(event, entries, head) {
  const row = head?.querySelector('button');
  const stops = row ? [row, ...entries] : entries;
  const focused = document.activeElement;
  const at = head?.contains(focused) ? 0 : stops.indexOf(focused);
  const to = {
    ArrowDown: at + 1, ArrowUp: at - 1, Home: stops.indexOf(entries[0]), End: stops.length - 1,
  }[event.key];
  if (to === undefined || event.defaultPrevented) return;
  event.preventDefault();
  stops.at(to % stops.length)?.focus();
}
