/** New messages for screen readers. Many at once, as of a replay, are counted. */
import { tellListeners } from './toast.js';

/** Milliseconds to wait for further messages after the first, and after more. */
const WAIT = [250, 800];
/** The longest wait in milliseconds. */
const LATEST = 5_000;
/** The most messages at once that are read out. */
const FEW = 3;

export class SpokenMessages {
  /** The messages of one conversation. */
  #due = [];
  #conversation = 0;
  #timer = 0;
  #since = 0;
  #isReplaying;

  /** @param {() => boolean} isReplaying */
  constructor(isReplaying) {
    this.#isReplaying = isReplaying;
  }

  add(conversation, name, text) {
    if (conversation !== this.#conversation) this.#say();
    this.#conversation = conversation;
    if (!this.#due.length) this.#since = performance.now();
    this.#due.push({ name, text });
    this.#wait();
  }

  #wait() {
    clearTimeout(this.#timer);
    const left = LATEST - (performance.now() - this.#since);
    this.#timer = setTimeout(() => {
      if (this.#isReplaying()) this.#wait();
      else this.#say();
    }, Math.min(WAIT[this.#due.length > 1 ? 1 : 0], Math.max(left, 0)));
  }

  #say() {
    clearTimeout(this.#timer);
    const all = this.#due.splice(0);
    if (all.length > FEW) {
      const names = [...new Set(all.map(({ name }) => name))];
      const from = names.length < FEW ? ` from ${names.join(' and ')}` : '';
      tellListeners(`${all.length} new messages${from}`);
    } else for (const { name, text } of all) tellListeners(`${name}: ${text}`);
  }
}
