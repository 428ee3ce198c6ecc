import { renamedIn } from './renames.js';

/**
 * A contiguous range of one conversation's messages, ordered by `seq`. If the
 * user reads far back, it ends before the newest message (`hasNewer`) and
 * ignores live ones.
 */
export class Timeline {
  /** @type {any[]} */
  messages = [];
  hasOlder;
  hasNewer;
  /** Messages after a gap, by `seq`, until the gap is filled. */
  #held = new Map();

  constructor({ messages = [], has_older: hasOlder = false, has_newer: hasNewer = false } = {}) {
    this.messages = [...messages];
    this.hasOlder = hasOlder;
    this.hasNewer = hasNewer;
  }

  get first() {
    return this.messages.at(0)?.seq ?? 0;
  }

  get last() {
    return this.messages.at(-1)?.seq ?? 0;
  }

  has(seq) {
    return this.messages.length > 0 && seq >= this.first && seq <= this.last;
  }

  renamed(user, before) {
    this.messages = this.messages.map((message) => renamedIn(message, user, before));
    for (const [seq, message] of this.#held) this.#held.set(seq, renamedIn(message, user, before));
  }

  withId(id) {
    return this.messages.find((message) => message.id === id);
  }

  /**
   * Applies a new message, or the new state of one.
   * @returns {'added' | 'changed' | 'known' | 'gap' | 'elsewhere'}
   */
  apply(message) {
    const place = this.messages.length ? message.seq - this.first : 0;
    const known = this.messages[place];
    if (known?.seq === message.seq) {
      if (known.version > message.version) return 'known';
      const isNews = known.version < message.version;
      this.messages[place] = message;
      return isNews ? 'changed' : 'known';
    }
    if (this.messages.length && message.seq < this.first) return 'elsewhere';
    if (this.hasNewer) return 'elsewhere';
    if (this.messages.length && message.seq > this.last + 1) {
      this.#held.set(message.seq, message);
      return 'gap';
    }
    this.messages.push(message);
    this.#release();
    return 'added';
  }

  /** Adds a page of older messages. */
  prepend(page, hasOlder) {
    const older = page.filter((message) => !this.messages.length || message.seq < this.first);
    this.messages = [...older, ...this.messages];
    this.hasOlder = hasOlder;
  }

  /** Adds a page of newer messages. */
  append(page, hasNewer) {
    const newer = page.filter((message) => message.seq > this.last);
    this.messages = [...this.messages, ...newer];
    this.hasNewer = hasNewer;
    if (!hasNewer) this.#release();
  }

  /** Keeps only the `most` oldest messages: the user reads there. */
  trimNewer(most) {
    if (this.messages.length <= most) return;
    this.messages = this.messages.slice(0, most);
    this.hasNewer = true;
    this.#held.clear();
  }

  trimOlder(most) {
    if (this.messages.length <= most) return;
    this.messages = this.messages.slice(-most);
    this.hasOlder = true;
  }

  #release() {
    for (;;) {
      const next = this.#held.get(this.last + 1);
      if (!next) break;
      this.#held.delete(next.seq);
      this.messages.push(next);
    }
    for (const seq of this.#held.keys()) if (seq <= this.last) this.#held.delete(seq);
  }
}
