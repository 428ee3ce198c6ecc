/**
 * Up to which version each conversation is known, so that a resume asks for
 * the rest.
 *
 * While a resume is under way, live frames come before what they build on:
 * the cursor then moves with `resumed` alone, so that a connection that ends
 * in the middle leaves no hole behind.
 */
export class Cursors {
  #at = new Map();
  #ahead = new Map();
  #isResuming = false;

  constructor(known = {}) {
    for (const [id, version] of Object.entries(known)) this.#at.set(Number(id), version);
  }

  /** A resume was asked for. */
  begin() {
    this.#isResuming = true;
    this.#ahead.clear();
  }

  get isResuming() {
    return this.#isResuming;
  }

  /** Something of this version came. */
  saw(id, version) {
    if (!Number.isFinite(version)) return;
    const to = this.#isResuming ? this.#ahead : this.#at;
    to.set(id, Math.max(to.get(id) ?? 0, version));
  }

  /** A conversation that has been told or fetched as a whole. */
  set(id, version) {
    this.#at.set(id, version);
  }

  /** Its replay is complete. */
  resumed(id, version) {
    this.#at.set(id, Math.max(version, this.#ahead.get(id) ?? 0));
    this.#ahead.delete(id);
  }

  /** All replays are. */
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

  /** As `resume` takes them. */
  all() {
    return Object.fromEntries(this.#at);
  }
}
