/**
 * The messages of the open conversation: what of them stands in the page, and
 * where in them one reads. It runs upside down (`column-reverse`), so that it
 * stays at its end by itself; everywhere else, what one reads stays in place.
 */
import { element, find, reconcile, show, write } from '../lib/dom.js';
import { day as dayOf, dayName } from '../lib/time.js';
import { isCalm } from '../lib/motion.js';
import { layout } from '../state/layout.js';
import { makeItem, updateItem } from './message.js';

/** How near an end more is fetched, in pixels. */
const NEAR = 700;
/** What stays above the line before what is new. */
const ROOM = 72;
/** This near the end is at the end. */
const AT_END = 48;
/** How long after scrolling the day is still told. */
const LINGERS = 1_200;

export class History {
  #box;
  #days;
  #beginning;
  #on;
  #watch;
  /** Those that the browser said are in sight, and since when it was not asked
   * again: what was put elsewhere meanwhile has to be looked at anew. */
  #visible = new Set();
  #isFresh = true;
  #hold = 0;
  #scrolling = 0;

  /** @param {HTMLElement} thread
   * @param {{ older: () => void, newer: () => void, seen: () => void, scrolled: () => void }} on */
  constructor(thread, on) {
    this.#on = on;
    this.#box = find('.history', thread);
    const inner = find('.history-inner', thread);
    this.#beginning = element('p', { class: 'beginning', hidden: true });
    this.#days = element('div', { class: 'days' });
    inner.replaceChildren(this.#beginning, this.#days);
    this.#box.addEventListener('scroll', () => {
      this.look();
      this.#scrolls();
    }, { passive: true });
    this.#watch = new IntersectionObserver((entries) => this.#saw(entries), {
      root: this.#box, threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    });
  }

  get isAtEnd() {
    return this.#box.scrollTop > -AT_END;
  }

  /** Those on the screen now, for when somebody comes back to look. */
  get visible() {
    const box = this.#box.getBoundingClientRect();
    const seen = [...this.#visible].filter((node) => isInSight(node, box));
    return seen.map((node) => node.item?.message).filter(Boolean);
  }

  /**
   * @param {import('../state/timeline.js').Timeline} timeline
   * @param {any} seen who looks, at what, and what waits to be sent
   */
  render(timeline, { me, conversation, waiting, line, now, name, alike }) {
    const tail = timeline.hasNewer ? [] : waiting;
    const context = { me, conversation, alike };
    const days = layout(timeline.messages, tail, { me, conversation, line, dayOf });
    if (this.#beginning.dataset.name !== name) {
      this.#beginning.dataset.name = name;
      this.#beginning.replaceChildren('Say hello to ', element('bdi', {}, name));
    }
    show(this.#beginning, !days.length);
    const isNew = !this.#isFresh && this.isAtEnd;
    this.#keepingPlace(() => reconcile(this.#days, days, {
      key: (day) => day.key,
      make: (day) => this.#day(day, { context, now, isNew }),
      update: (node, day) => this.#fill(node, day, { context, now, isNew }),
    }));
    this.#isFresh = false;
    requestAnimationFrame(() => this.look());
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
          write(known.firstChild, `${item.count} unread`);
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
      // One that is taller than the screen is seen when it fills half of it.
      const fills = rootBounds && intersectionRect.height > rootBounds.height * 0.5;
      if (intersectionRatio >= 0.6 || fills) this.#visible.add(target);
      else this.#visible.delete(target);
    }
    for (const node of this.#visible) if (!node.isConnected) this.#forget(node);
    this.#on.seen();
  }

  /** Changes what is there without moving what one reads. */
  #keepingPlace(change) {
    if (this.isAtEnd && !this.#hold) {
      change();
      this.#box.scrollTop = 0;
      return;
    }
    const anchor = this.#anchor();
    const top = anchor?.getBoundingClientRect().top;
    change();
    const same = anchor && this.#node(anchor.dataset.key);
    const moved = same ? same.getBoundingClientRect().top - top : 0;
    // To set it anew would stop a scrolling that is under way.
    if (Math.abs(moved) > 0.5) this.#box.scrollTop += moved;
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

  /** The day is told while one moves through them. */
  #scrolls() {
    this.#box.classList.add('is-scrolling');
    clearTimeout(this.#scrolling);
    this.#scrolling = setTimeout(() => this.#box.classList.remove('is-scrolling'), LINGERS);
  }

  /** Fetches more where one is near an end of what is there. */
  look() {
    const box = this.#box;
    if (!box.isConnected) return;
    const toStart = box.scrollHeight - box.clientHeight + box.scrollTop;
    if (toStart < NEAR) this.#on.older();
    if (box.scrollTop > -NEAR) this.#on.newer();
    this.#on.scrolled();
  }

  /** Runs what replaces the end of what is there, without following it. */
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

  /** Shows a message, and points to it. False where it isn't here. */
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

  /** Puts the line before what is new near the top. */
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
    clearTimeout(this.#scrolling);
  }
}

/** Whether it stands in the page, and some of it within the box, now. */
function isInSight(node, box) {
  if (!node.isConnected) return false;
  const { top, bottom } = node.getBoundingClientRect();
  return bottom > box.top && top < box.bottom;
}
