/** Fingers on messages: a long press opens the menu, a swipe to the right
 * replies. */
import { mayWrite, openMessageMenu } from './actions.js';
import { find, mark } from '../lib/dom.js';
import { openReactions } from './emoji.js';

/** Milliseconds of a long press, and the pixels that a finger may slip in it. */
const LONG = 450;
const SLIP = 10;
/** The pixels of a swipe that replies, and the furthest that a message moves. */
const REPLY = 56;
const FURTHEST = 72;
/** The pixels at the edge where a swipe is the browser's. */
const EDGE = 24;
const GAP = 8;

export function watchTouch(app) {
  let touch = null;
  const end = () => {
    if (!touch) return;
    clearTimeout(touch.timer);
    if (touch.isSwipe) settle(touch.node);
    touch = null;
  };
  document.addEventListener('touchstart', (event) => {
    end();
    const { target, touches } = event;
    const node = target.closest('.history .message');
    if (!node?.item?.message || touches.length > 1) return;
    if (target.closest('.said a') || String(getSelection())) return;
    const timer = setTimeout(() => {
      touch = null;
      hold(app, node, target);
    }, LONG);
    touch = { node, x: touches[0].clientX, y: touches[0].clientY, far: 0, isSwipe: false, timer };
  }, { passive: true });
  document.addEventListener('touchmove', ({ touches }) => {
    if (!touch) return;
    const [x, y] = [touches[0].clientX - touch.x, touches[0].clientY - touch.y];
    if (Math.hypot(x, y) > SLIP) clearTimeout(touch.timer);
    if (!touch.isSwipe && Math.abs(y) > SLIP) end();
    else if (touch.isSwipe || (x > SLIP && touch.x > EDGE && mayReply(app, touch.node))) move(touch, x);
  }, { passive: true });
  document.addEventListener('touchend', () => {
    const isReply = touch?.isSwipe && touch.far >= REPLY;
    const { message } = touch?.node.item ?? {};
    end();
    if (isReply) app.thread?.composer.answer(message);
  }, { passive: true });
  document.addEventListener('touchcancel', end, { passive: true });
}

const mayReply = (app, { item }) => app.thread && mayWrite(app.thread) && !item.message?.deleted;

/** Moves a message with the finger. */
function move(touch, x) {
  const { node } = touch;
  touch.isSwipe = true;
  touch.far = x;
  node.classList.add('is-swiped');
  if (!find('.swipe', node)) node.append(mark('mark-reply', 'mark swipe'));
  node.classList.toggle('is-far', x >= REPLY);
  node.style.translate = `${Math.max(0, Math.min(x - SLIP, FURTHEST))}px`;
}

function settle(node) {
  node.classList.remove('is-swiped', 'is-far');
  node.style.translate = '';
  find('.swipe', node)?.remove();
}

/** Acts on a long press: lists the users of a reaction, or lifts the message
 * with its menu. The rest of the page is dimmed. */
export function hold(app, node, target) {
  if (find('.is-lifted') || find('.is-names:popover-open')) return;
  const reaction = target.closest('[data-act="reaction"]');
  if (reaction) {
    openReactions(reaction);
    return;
  }
  node.classList.add('is-lifted');
  find('.acts', node)?.remove();
  const bubble = find('.bubble', node);
  openMessageMenu(app, node, bubble, { isTouch: true, whenClosed: drop });
  const menu = find('.menu:popover-open');
  if (menu) makeRoom(node, bubble, menu);
  else drop();
}

/** Moves the message up until its menu fits below it, but not out of sight. */
function makeRoom(node, bubble, menu) {
  const { top, bottom } = bubble.getBoundingClientRect();
  const lowest = innerHeight - GAP - menu.offsetHeight;
  const over = Math.max(0, bottom + GAP - lowest);
  const free = Math.max(0, top - GAP - find('.history').getBoundingClientRect().top);
  const by = Math.min(over, free);
  node.style.translate = by ? `0 ${-by}px` : '';
  menu.style.top = `${Math.min(bottom + GAP - by, lowest)}px`;
}

function drop() {
  for (const node of document.querySelectorAll('.is-lifted')) {
    node.classList.remove('is-lifted');
    node.style.translate = '';
  }
}
