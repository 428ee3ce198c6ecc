/** Who types, and whether one does so oneself. */

/** Without another word, somebody has stopped. */
const EXPIRES = 6_000;
const REPEAT = 3_000;
const SILENCE = 1_000;

/** The others. */
export class Typists {
  #since = new Map();

  hear(conversation, { id, username }, isTyping, now) {
    const people = this.#since.get(conversation) ?? new Map();
    if (isTyping) people.set(id, { id, username, since: now });
    else people.delete(id);
    this.#since.set(conversation, people);
  }

  /** Those who type just now, who began first in front. */
  at(conversation, now) {
    const people = this.#since.get(conversation);
    if (!people?.size) return [];
    return [...people.values()].filter(({ since }) => now - since < EXPIRES)
      .map(({ id, username }) => ({ id, username }));
  }

  /** When the next of them falls silent; null where nobody types. */
  nextEnd(now) {
    let next = null;
    for (const people of this.#since.values()) {
      for (const { since } of people.values()) {
        const end = since + EXPIRES;
        if (end > now && (next === null || end < next)) next = end;
      }
    }
    return next;
  }

  clear() {
    this.#since.clear();
  }
}

/** Oneself: what to tell the others, and when. */
export class OwnTyping {
  #told = null;
  #key = 0;

  /** A key was pressed: whether to say so. */
  key(now) {
    this.#key = now;
    if (this.#told !== null && now - this.#told < REPEAT) return false;
    this.#told = now;
    return true;
  }

  /** Time has passed: whether to say that one has stopped. */
  tick(now) {
    if (this.#told === null || now - this.#key < SILENCE) return false;
    this.#told = null;
    return true;
  }

  /** Emptied, or gone elsewhere: whether to say that one has stopped. */
  stop() {
    const was = this.#told !== null;
    this.#told = null;
    return was;
  }

  /** A message says by itself that one no longer types it. */
  sent() {
    this.#told = null;
  }
}
