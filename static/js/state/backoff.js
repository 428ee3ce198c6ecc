/** The delay before the next attempt: none at first, then exponential with
 * jitter. It is at most 3 s in the first minute, since most outages are short,
 * and at most 20 s later. */

const FIRST = 500;
const LONGEST_AT_FIRST = 3_000;
const LONGEST = 20_000;
const MINUTE = 60_000;

/**
 * @param {number} attempt the number of failures in a row
 * @param {number} random from 0 to 1
 * @param {number} elapsed milliseconds since the first failure, if it counts
 */
export function delay(attempt, random, elapsed = Infinity) {
  if (attempt <= 0) return 0;
  const longest = elapsed < MINUTE ? LONGEST_AT_FIRST : LONGEST;
  const whole = Math.min(longest, FIRST * 2 ** (attempt - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}

/** Milliseconds after which a connection counts as lasting. */
const LASTING = 10_000;

/** When to connect again. Delays start anew only after a connection that lasted:
 * a server may accept each connection and close it at once. */
export class Reconnects {
  #failures = 0;
  /** The time of the first failure in a row. */
  #failedAt = 0;
  /** When the present connection was accepted. */
  #openedAt = null;

  opened(now) {
    this.#openedAt = now;
  }

  /** Returns the delay before the next attempt.
   * @param {number} random from 0 to 1 */
  closed(now, random) {
    if (this.#openedAt !== null && now - this.#openedAt >= LASTING) this.reset();
    this.#openedAt = null;
    if (this.#failures === 0) this.#failedAt = now;
    const wait = delay(this.#failures, random, now - this.#failedAt);
    this.#failures += 1;
    return wait;
  }

  /** The network or the user is back: the next delays are short again. */
  reset() {
    this.#failures = 0;
  }
}
