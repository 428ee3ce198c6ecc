/** A menu beside its anchor: arrows move, Enter chooses, Escape and a click
 * elsewhere close it, and the focus returns to where it was. */
import { element, find, topmost } from '../lib/dom.js';
import { addLayer } from './layers.js';

const EDGE = 8;

/**
 * @param {{ text: string, act: () => void, isGrave?: boolean }[]} entries
 * @param {{ x: number, y: number } | HTMLElement} at
 * @param {{ label: string, head?: HTMLElement }} about
 */
export function openMenu(entries, at, { label, head = null }) {
  const buttons = entries.map(({ text, act, isGrave }) => element('button', {
    type: 'button', role: 'menuitem', tabindex: '-1', class: isGrave ? 'is-grave' : '',
    onclick: () => {
      close();
      act();
    },
  }, text));
  const menu = element('div', { class: 'menu', popover: 'auto' }, head,
    element('div', { role: 'menu', 'aria-label': label }, ...buttons));
  const close = openPopover(menu, at);
  menu.addEventListener('keydown', (event) => walk(event, buttons));
  buttons[0]?.focus();
  return close;
}

/** Opens a popover; returns a function that closes it. */
export function openPopover(box, at) {
  const before = document.activeElement;
  const label = before?.ariaLabel;
  topmost().append(box);
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
  const above = (spot ? spot.top - 4 : at.y) - height;
  const y = below + height > innerHeight - EDGE && above > EDGE ? above : below;
  const within = (value, size, room) => Math.max(EDGE, Math.min(value, room - size - EDGE));
  box.style.left = `${within(x, width, innerWidth)}px`;
  box.style.top = `${within(y, height, innerHeight)}px`;
}

function walk(event, buttons) {
  const at = buttons.indexOf(document.activeElement);
  const to = {
    ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  buttons.at(to % buttons.length)?.focus();
}
