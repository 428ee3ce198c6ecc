/**
 * The version up to which each conversation is known: a resume asks for the
 * rest.
 *
 * During a resume, a live frame can arrive before an older, replayed one.
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

  /** Handles the start of a resume. */
  begin() {
    this.#isResuming = true;
    this.#ahead.clear();
  }

  get isResuming() {
    return this.#isResuming;
  }

  /** Records the version of a received frame. */
  saw(id, version) {
    if (!Number.isFinite(version)) return;
    const to = this.#isResuming ? this.#ahead : this.#at;
    to.set(id, Math.max(to.get(id) ?? 0, version));
  }

  /** Records the version of a conversation that was received as a whole. */
  set(id, version) {
    this.#at.set(id, version);
  }

  /** Handles the end of a conversation's replay. */
  resumed(id, version) {
    this.#at.set(id, Math.max(version, this.#ahead.get(id) ?? 0));
    this.#ahead.delete(id);
  }

  /** Handles the end of all replays: cursors follow live frames again. */
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
