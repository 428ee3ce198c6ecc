/** A long list of which only the rows in view are in the page. All rows have one
 * height, `--row`; each is placed by its index. */
import { reconcile } from '../lib/dom.js';
import { isCalm, moved } from '../lib/motion.js';

/** The number of rows that are drawn beyond each edge of the view. */
const BEYOND = 4;
/** The number of rows drawn if the list isn't visible. */
const HIDDEN = 20;

/** @template T */
export class RowWindow {
  #list;
  #scroller;
  #how;
  /** @type {T[]} */
  #items = [];
  /** @type {string[]} */
  #keys = [];
  /** The key of the row that Tab reaches: the list is one stop. */
  #stop = '';
  #isWhole = true;
  #drawn = { from: 0, to: 0, height: 0 };

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} scroller the element that scrolls the list
   * @param {{ key: (item: T) => string, make: (item: T) => HTMLElement,
   *   update: (node: HTMLElement, item: T) => HTMLElement | void,
   *   passed?: (step: number) => void }} how
   *   `passed` is called if an arrow key passes an end of the list
   */
  constructor(list, scroller, how) {
    this.#list = list;
    this.#scroller = scroller;
    this.#how = how;
    list.classList.add('is-window');
    scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#scrolled()).observe(scroller);
    list.addEventListener('keydown', (event) => this.#key(event));
    list.addEventListener('focusin', ({ target }) => {
      const { key } = target.closest('li')?.dataset ?? {};
      if (key !== undefined) this.stopAt(key);
    });
  }

  get length() {
    return this.#items.length;
  }

  /** Lists these items, and updates the rows in view.
   * @param {T[]} items
   * @param {{ isSliding?: boolean, isWhole?: boolean }} [how] `isWhole`: the
   *   items are all that exist */
  show(items, { isSliding = false, isWhole = true } = {}) {
    const keys = items.map(this.#how.key);
    const hasMoved = keys.length !== this.#keys.length || keys.some((key, at) => key !== this.#keys[at]);
    const before = this.#keys;
    const held = document.activeElement;
    const heldAt = this.#list.contains(held) ? before.indexOf(held.closest('li').dataset.key) : -1;
    const view = this.#view();
    this.#items = items;
    this.#keys = keys;
    if (!hasMoved) {
      this.#draw(view, isWhole);
      return;
    }
    const shift = this.#keepPlace(before, view);
    if (keys.length !== before.length) this.#list.style.blockSize = `calc(${keys.length} * var(--row))`;
    if (shift) this.#scroller.scrollTop += shift * view.height;
    // Measuring anew would make the browser lay out the page at once.
    const next = view.height ? { ...view, from: view.from + shift, to: view.to + shift } : this.#view();
    this.#draw(next, isWhole);
    if (heldAt >= 0) this.#keepFocus(held, heldAt);
    if (isSliding && next.height) this.#slide(before, { ...next, shift });
  }

  /** Makes this row the one that Tab reaches. */
  stopAt(key) {
    if (this.#stop === key) return;
    this.#stop = key;
    for (const row of this.#list.children) this.#setStop(row);
  }

  /** Focuses the row at this index. Returns false if there is none. */
  focus(at) {
    const key = this.#keys[at];
    if (key === undefined) return false;
    this.stopAt(key);
    this.#draw(this.#view());
    const row = [...this.#list.children].find(({ dataset }) => dataset.key === key);
    row.firstElementChild.focus();
    return true;
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.#keys.length - 1;
    const at = this.#keys.indexOf(event.target.closest('li')?.dataset.key);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    if (to >= 0 && to <= last) this.focus(to);
    else this.#how.passed?.(Math.sign(to - at));
  }

  #scrolled() {
    const view = this.#view();
    if (view.from < this.#drawn.from || view.to > this.#drawn.to || view.height !== this.#drawn.height) {
      this.#draw(view);
    }
  }

  /** Returns the indices of the first and last row in view, and a row's height
   * in pixels. */
  #view() {
    const count = this.#keys.length;
    const list = this.#list.getBoundingClientRect();
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    const height = count ? list.height / count : 0;
    if (!height) return { from: 0, to: HIDDEN, height: 0 };
    return {
      from: Math.max(0, Math.floor((top - list.top) / height)),
      to: Math.ceil((bottom - list.top) / height),
      height,
    };
  }

  #draw(view, isWhole = this.#isWhole) {
    this.#isWhole = isWhole;
    const from = Math.max(0, view.from - BEYOND);
    const to = Math.min(this.#keys.length - 1, view.to + BEYOND);
    this.#drawn = { from, to: to === this.#keys.length - 1 ? Infinity : to, height: view.height };
    if (!this.#keys.includes(this.#stop)) this.#stop = this.#keys[0] ?? '';
    const stop = this.#keys.indexOf(this.#stop);
    const shown = [];
    if (stop >= 0 && stop < from) shown.push(stop);
    for (let at = from; at <= to; at += 1) shown.push(at);
    if (stop > to) shown.push(stop);
    reconcile(this.#list, shown, {
      key: (at) => this.#keys[at],
      make: (at) => this.#place(this.#how.make(this.#items[at]), at),
      update: (node, at) => this.#place(this.#how.update(node, this.#items[at]) ?? node, at),
    });
    for (const row of this.#list.children) this.#setStop(row);
  }

  #place(row, at) {
    const size = this.#isWhole ? this.#keys.length : -1;
    if (row.at !== at) {
      row.at = at;
      row.style.insetBlockStart = `calc(${at} * var(--row))`;
      row.ariaPosInSet = String(at + 1);
    }
    if (row.size !== size) {
      row.size = size;
      row.ariaSetSize = String(size);
    }
    return row;
  }

  #setStop(row) {
    const isStop = row.dataset.key === this.#stop;
    if (row.isStop === isStop) return;
    row.isStop = isStop;
    row.firstElementChild.tabIndex = isStop ? 0 : -1;
  }

  /** Returns by how many rows the list moves under the view, so that the rows in
   * view keep their places. At its start, the list shows its first rows. */
  #keepPlace(before, { from, to, height }) {
    if (from === 0 || !height) return 0;
    const places = new Map(this.#keys.map((key, at) => [key, at]));
    const shifts = before.slice(from, to + 1)
      .map((key, at) => (places.get(key) ?? NaN) - from - at).filter(Number.isFinite);
    return shifts.sort((one, two) => Math.abs(one) - Math.abs(two))[0] ?? 0;
  }

  /** Moving an element takes the focus from it. If the focused row is gone, its
   * neighbour gets the focus. */
  #keepFocus(held, at) {
    if (held.isConnected) held.focus({ preventScroll: true });
    else this.focus(Math.min(at, this.#keys.length - 1));
  }

  /** Slides the rows in view from their former places. */
  #slide(before, { from, to, height, shift }) {
    if (isCalm()) return;
    for (const row of this.#list.children) {
      if (row.at < from || row.at > to) continue;
      const was = before.indexOf(row.dataset.key);
      // A row from outside of the view enters at its edge.
      const start = Math.max(from - shift - 1, Math.min(was, to - shift + 1));
      const way = was < 0 ? 0 : start - row.at + shift;
      if (way) moved(row, { transform: `translateY(${way * height}px)` });
    }
  }
}
