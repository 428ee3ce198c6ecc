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
