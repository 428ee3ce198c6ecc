/** Typing indicators: those of other users, and the user's own. */

/** Milliseconds after its last frame at which a user's indicator ends. */
const EXPIRES = 6_000;
const REPEAT = 3_000;
const PAUSE = 1_000;
/** Milliseconds without typing after which typing is announced again. */
const QUIET = 10_000;

/** The other users who are typing. */
export class Typists {
  #since = new Map();

  update(conversation, { id, username }, isTyping, now) {
    const people = this.#since.get(conversation) ?? new Map();
    if (isTyping) people.set(id, { id, username, since: now });
    else people.delete(id);
    this.#since.set(conversation, people);
  }

  /** Returns the users typing now, in the order in which they began. */
  at(conversation, now) {
    const people = this.#since.get(conversation);
    if (!people?.size) return [];
    return [...people.values()].filter(({ since }) => now - since < EXPIRES)
      .map(({ id, username }) => ({ id, username }));
  }

  /** Returns when the next indicator ends; null if there is none. */
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

/** Decides when screen readers announce that others are typing: at the start,
 * and again only after a while without typing. */
export class TypingNews {
  #last = -Infinity;

  /** Returns whether to announce. Is called at each redraw. */
  isNews(isTyping, now) {
    if (!isTyping) return false;
    const isNews = now - this.#last >= QUIET;
    this.#last = now;
    return isNews;
  }
}

/** The user's own typing: when to send which frame. */
export class OwnTyping {
  #sentAt = null;
  #keyAt = 0;

  /** A key was pressed: returns whether to send that the user is typing. */
  key(now) {
    this.#keyAt = now;
    if (this.#sentAt !== null && now - this.#sentAt < REPEAT) return false;
    this.#sentAt = now;
    return true;
  }

  /** Time has passed: returns whether to send that typing ended. */
  tick(now) {
    if (this.#sentAt === null || now - this.#keyAt < PAUSE) return false;
    this.#sentAt = null;
    return true;
  }

  /** Text deleted or left: returns whether to send that typing ended. */
  stop() {
    const was = this.#sentAt !== null;
    this.#sentAt = null;
    return was;
  }

  /** A sent message ends the indicator by itself. */
  sent() {
    this.#sentAt = null;
  }
}
