/**
 * The messages of the open conversation: which ones are in the page, and the
 * scroll position. The box is reversed (`column-reverse`), so that it stays at
 * its end by itself; anywhere else, the visible messages keep their place.
 */
import { element, find, reconcile, show, write } from '../lib/dom.js';
import { counted, day as dayOf, dayName } from '../lib/time.js';
import { isCalm } from '../lib/motion.js';
import { layout } from '../state/layout.js';
import { makeItem, reach, updateItem } from './message.js';

/** The distance from an end at which more is fetched, in pixels. */
const NEAR = 700;
/** The space above the unread line, in pixels. */
const ROOM = 72;
/** The distance that still counts as at the end, in pixels. */
const AT_END = 48;
/** Milliseconds that the day's heading stays after scrolling. */
const LINGERS = 1_200;

export class History {
  #box;
  #days;
  #beginning;
  #on;
  #watch;
  /** Nodes that the observer reported as visible; they may have moved since. */
  #visible = new Set();
  #isFresh = true;
  #hold = 0;
  #scrolling = 0;
  /** The first visible message, and its distance from the top of the box. */
  #place = null;
  #resized = new ResizeObserver(() => this.#restorePlace());

  /** @param {HTMLElement} thread
   * @param {{ older: () => void, newer: () => void, seen: () => void, scrolled: () => void }} on */
  constructor(thread, on) {
    this.#on = on;
    this.#box = find('.history', thread);
    const inner = find('.history-inner', thread);
    this.#beginning = element('p', { class: 'beginning', hidden: true });
    this.#days = element('div', { class: 'days' });
    inner.replaceChildren(this.#beginning, this.#days);
    // The messages are the stop of the keyboard.
    this.#box.tabIndex = -1;
    this.#days.addEventListener('focusin', ({ target }) => this.#focused(target.closest('.message')));
    this.#days.addEventListener('focusout', ({ target, relatedTarget }) => {
      const node = target.closest('.message');
      if (node && !node.contains(relatedTarget)) reach(node, false);
    });
    this.#box.addEventListener('scroll', () => {
      this.#notePlace();
      this.look();
      this.#scrolls();
    }, { passive: true });
    this.#watch = new IntersectionObserver((entries) => this.#saw(entries), {
      root: this.#box, threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    });
    this.#resized.observe(this.#box);
    this.#resized.observe(inner);
  }

  get isAtEnd() {
    return this.#box.scrollTop > -AT_END;
  }

  /** Returns the messages on the screen now. */
  get visible() {
    const box = this.#box.getBoundingClientRect();
    const seen = [...this.#visible].filter((node) => isInSight(node, box));
    return seen.map((node) => node.item?.message).filter(Boolean);
  }

  /**
   * Returns false if the page was at its end, but doesn't follow it: the new
   * messages don't fit on the screen.
   * @param {import('../state/timeline.js').Timeline} timeline
   * @param {any} seen the user, the conversation and its unsent messages
   */
  render(timeline, { me, conversation, waiting, line, readSeq, now, name, alike }) {
    this.#box.classList.toggle('is-group', conversation.kind === 'group');
    const tail = timeline.hasNewer ? [] : waiting;
    const context = { me, conversation, alike };
    const days = layout(timeline.messages, tail, { me, conversation, line, dayOf });
    if (this.#beginning.dataset.name !== name) {
      this.#beginning.dataset.name = name;
      this.#beginning.replaceChildren('Say hello to ', element('bdi', {}, name));
    }
    show(this.#beginning, !days.length);
    const isNew = !this.#isFresh && this.isAtEnd;
    const isUnread = ({ message: it }) => it?.seq > readSeq && it.kind === 'text'
      && it.sender.id !== me.id;
    const unread = isNew ? days.flatMap(({ items }) => items).find(isUnread)?.key : undefined;
    const isFollowing = this.#keepingPlace(() => reconcile(this.#days, days, {
      key: (day) => day.key,
      make: (day) => this.#day(day, { context, now, isNew }),
      update: (node, day) => this.#fill(node, day, { context, now, isNew }),
    }), unread);
    this.#isFresh = false;
    this.#chooseStop();
    requestAnimationFrame(() => this.look());
    return isFollowing;
  }

  #focused(node) {
    if (!node) return;
    this.#setStop(node);
    reach(node, true);
  }

  /** Makes one message the stop of the keyboard: the focused one, else the last
   * one in sight. */
  #chooseStop() {
    const focused = document.activeElement?.closest('.message');
    if (focused && this.#days.contains(focused)) return;
    const inSight = this.isAtEnd ? [] : this.visible;
    const last = inSight.reduce((one, two) => (two.seq > (one?.seq ?? 0) ? two : one), null);
    const node = last && find(`#message-${last.id}`, this.#days);
    this.#setStop(node ?? [...this.#days.querySelectorAll('.message')].at(-1));
  }

  #setStop(node) {
    const before = find('.message[tabindex="0"]', this.#days);
    if (!node || node === before) return;
    if (before) before.tabIndex = -1;
    node.tabIndex = 0;
  }

  #day(day, seen) {
    const node = element('section', { class: 'day' },
      element('h2', {}, element('time', { datetime: day.key })),
      element('ol', { class: 'messages' }));
    this.#fill(node, day, seen);
    return node;
  }

  #fill(node, day, { context, now, isNew }) {
    write(find('time', node), dayName(day.at, now));
    reconcile(find('ol', node), day.items, {
      key: (item) => item.key,
      make: (item) => {
        const made = makeItem(item, context);
        made.classList.toggle('is-new', isNew);
        this.#observe(made);
        return made;
      },
      update: (known, item) => {
        if (item.kind === 'unread') {
          write(known.firstChild, counted(item.count, 'unread message'));
          return known;
        }
        const next = updateItem(known, item, context);
        if (next !== known) {
          this.#forget(known);
          this.#observe(next);
        }
        return next;
      },
    });
  }

  #observe(node) {
    if (node.item?.message) this.#watch.observe(node);
  }

  #forget(node) {
    this.#watch.unobserve(node);
    this.#visible.delete(node);
  }

  #saw(entries) {
    for (const { target, intersectionRatio, intersectionRect, rootBounds } of entries) {
      // A tall message counts as visible if it fills half of the box.
      const fills = rootBounds && intersectionRect.height > rootBounds.height * 0.5;
      if (intersectionRatio >= 0.6 || fills) this.#visible.add(target);
      else this.#visible.delete(target);
    }
    for (const node of this.#visible) if (!node.isConnected) this.#forget(node);
    this.#chooseStop();
    this.#on.seen();
  }

  /** Runs `change` and notes which message is then the first visible one. */
  #keepingPlace(change, unread) {
    const isFollowing = this.#changeInPlace(change, unread);
    this.#notePlace();
    return isFollowing;
  }

  #notePlace() {
    const anchor = this.#anchor();
    this.#place = anchor && { key: anchor.dataset.key, top: this.#topOf(anchor) };
  }

  #topOf(node) {
    return node.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
  }

  /** Keeps the first visible message in its place after a change of the layout:
   * of a column's width, the window, or the font. At its end the page stays there. */
  #restorePlace() {
    const node = this.#place && !this.isAtEnd && this.#node(this.#place.key);
    const moved = node ? this.#topOf(node) - this.#place.top : 0;
    if (Math.abs(moved) > 0.5) this.#box.scrollTop += moved;
    else this.#notePlace();
  }

  /** Runs `change` without moving the visible messages. At its end, the page
   * follows the end while the first unread message stays on the screen. After a
   * sleep, many messages come at once, and the user has seen none of them.
   * Returns false if it doesn't follow. */
  #changeInPlace(change, unread) {
    const isAtEnd = this.isAtEnd && !this.#hold;
    const wasAbove = isAtEnd && this.#isAbove(unread);
    const anchor = this.#anchor();
    const top = anchor?.getBoundingClientRect().top;
    change();
    if (isAtEnd) {
      this.#box.scrollTop = 0;
      if (wasAbove || !this.#isAbove(unread)) return true;
    }
    const same = anchor && this.#node(anchor.dataset.key);
    const moved = same ? same.getBoundingClientRect().top - top : 0;
    // Setting the position would stop a scroll in progress.
    if (Math.abs(moved) > 0.5) this.#box.scrollTop += moved;
    return !isAtEnd;
  }

  /** Whether a message, or the unread line before it, is above the screen. */
  #isAbove(key) {
    const node = key && this.#node(key);
    if (!node) return false;
    const before = node.previousElementSibling;
    const first = before?.matches('.unread-line') ? before : node;
    return first.getBoundingClientRect().top < this.#box.getBoundingClientRect().top;
  }

  #anchor() {
    const { top } = this.#box.getBoundingClientRect();
    const nodes = this.#days.querySelectorAll('li[data-key]');
    for (const node of nodes) if (node.getBoundingClientRect().bottom > top + 4) return node;
    return null;
  }

  #node(key) {
    return find(`li[data-key="${CSS.escape(key)}"]`, this.#days);
  }

  /** Shows the day's heading while the user scrolls. */
  #scrolls() {
    this.#box.classList.add('is-scrolling');
    clearTimeout(this.#scrolling);
    this.#scrolling = setTimeout(() => this.#box.classList.remove('is-scrolling'), LINGERS);
  }

  /** Fetches more messages near an end of the loaded ones. */
  look() {
    const box = this.#box;
    if (!box.isConnected) return;
    const toStart = box.scrollHeight - box.clientHeight + box.scrollTop;
    if (toStart < NEAR) this.#on.older();
    if (box.scrollTop > -NEAR) this.#on.newer();
    this.#on.scrolled();
  }

  /** Runs `change`, which replaces the end, without scrolling there. */
  holding(change) {
    this.#hold += 1;
    try {
      change();
    } finally {
      this.#hold -= 1;
    }
  }

  toEnd() {
    this.#box.scrollTo({ top: 0, behavior: isCalm() ? 'instant' : 'smooth' });
  }

  atEndAtOnce() {
    this.#box.scrollTop = 0;
  }

  /** Scrolls to a message and highlights it; false if it isn't in the page. */
  point(id, { isQuiet = false } = {}) {
    const node = find(`#message-${id}`, this.#days);
    if (!node) return false;
    node.scrollIntoView({ block: 'center' });
    if (isQuiet) return true;
    node.classList.add('is-pointed-at');
    setTimeout(() => node.classList.remove('is-pointed-at'), 1600);
    node.focus({ preventScroll: true });
    return true;
  }

  /** Scrolls the unread line near the top; false if there is none. */
  toUnread() {
    const line = find('.unread-line', this.#days);
    if (!line) return false;
    const above = line.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
    this.#box.scrollTop = Math.min(0, this.#box.scrollTop + above - ROOM);
    return true;
  }

  focusLast() {
    const nodes = this.#days.querySelectorAll('.message');
    nodes[nodes.length - 1]?.focus();
  }

  close() {
    this.#watch.disconnect();
    this.#resized.disconnect();
    clearTimeout(this.#scrolling);
  }
}

/** Whether a node is in the page and partly within the box now. */
function isInSight(node, box) {
  if (!node.isConnected) return false;
  const { top, bottom } = node.getBoundingClientRect();
  return bottom > box.top && top < box.bottom;
}
