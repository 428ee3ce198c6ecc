/**
 * The version up to which each conversation is known: a resume asks for the
 * rest.
 *
 * During a resume, live frames can come before replayed ones that precede them.
 * Cursors then move with `resumed` only, so that a lost connection leaves no
 * gap.
 */
export class Cursors {
  #at = new Map();
  #ahead = new Map();
  #isResuming = false;

  constructor(known = {}) {
    for (const [id, version] of Object.entries(known)) this.#at.set(Number(id), version);
  }

  /** A resume was requested. */
  begin() {
    this.#isResuming = true;
    this.#ahead.clear();
  }

  get isResuming() {
    return this.#isResuming;
  }

  /** A frame of this version came. */
  saw(id, version) {
    if (!Number.isFinite(version)) return;
    const to = this.#isResuming ? this.#ahead : this.#at;
    to.set(id, Math.max(to.get(id) ?? 0, version));
  }

  /** A conversation was received as a whole. */
  set(id, version) {
    this.#at.set(id, version);
  }

  /** A conversation's replay is complete. */
  resumed(id, version) {
    this.#at.set(id, Math.max(version, this.#ahead.get(id) ?? 0));
    this.#ahead.delete(id);
  }

  /** All replays are complete. */
  synced() {
    for (const [id, version] of this.#ahead) {
      this.#at.set(id, Math.max(version, this.#at.get(id) ?? 0));
    }
    this.#ahead.clear();
    this.#isResuming = false;
  }

  forget(id) {
    this.#at.delete(id);
    this.#ahead.delete(id);
  }

  get(id) {
    return this.#at.get(id) ?? 0;
  }

  /** Returns the cursors in the form of a `resume` frame. */
  all() {
    return Object.fromEntries(this.#at);
  }
}
