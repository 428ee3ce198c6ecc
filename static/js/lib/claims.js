/**
 * Claims by which the tabs of a browser choose one of them, without Web Locks:
 * each tab announces its claim, and after a moment the one with the lowest
 * number has won. Pure: `post` sends a message to the other tabs.
 */
export class Claims {
  /** The name that this tab holds, or null. */
  held = null;
  #tab;
  #post;
  /** The last claim of each name. */
  #all = new Map();
  /** Names that another tab holds, as it has answered. */
  #answered = new Set();

  /** @param {number} tab the tab's number @param {(message: any) => void} post */
  constructor(tab, post) {
    this.#tab = tab;
    this.#post = post;
  }

  /** Claims a name. Returns null if a tab has claimed it within `apart` ms. */
  claim(name, now, apart) {
    this.#expire(now);
    if (this.#all.has(name)) return null;
    const claim = { end: now + apart, isOwn: true, isLost: false, hasWon: false };
    this.#all.set(name, claim);
    this.#post({ kind: 'claim', name, tab: this.#tab, apart });
    return claim;
  }

  /** Returns whether a claim has won, once the other tabs could answer. */
  decide(claim) {
    if (!claim || claim.isLost) return false;
    claim.hasWon = true;
    return true;
  }

  /** Ends a claim that this tab has won. */
  release(name) {
    this.#all.delete(name);
    this.#post({ kind: 'free', name });
  }

  /** Asks whether another tab holds a name. */
  ask(name) {
    this.#answered.delete(name);
    this.#post({ kind: 'ask', name });
  }

  /** Returns whether this tab or one that has answered holds a name. */
  isHeld(name) {
    return this.held === name || this.#answered.has(name);
  }

  receive({ kind, name, tab, apart }, now) {
    this.#expire(now);
    const known = this.#all.get(name);
    if (kind === 'ask' && this.held === name) this.#post({ kind: 'held', name });
    if (kind === 'held') this.#answered.add(name);
    if (kind === 'taken' && tab === this.#tab && known) known.isLost = true;
    if (kind === 'free') this.#all.delete(name);
    if (kind !== 'claim') return;
    if (!known) this.#all.set(name, { end: now + apart, isOwn: false, isLost: true, hasWon: false });
    else if (known.hasWon || !known.isOwn || this.#tab < tab) this.#post({ kind: 'taken', name, tab });
    else known.isLost = true;
  }

  #expire(now) {
    for (const [name, { end }] of this.#all) if (end <= now) this.#all.delete(name);
  }
}
