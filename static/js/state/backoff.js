/** The delay before the next attempt: none at first, then exponential with
 * jitter, at most 20 s. */

const FIRST = 500;
const LONGEST = 20_000;

/**
 * @param {number} attempt the number of failures in a row
 * @param {number} random from 0 to 1
 */
export function delay(attempt, random) {
  if (attempt <= 0) return 0;
  const whole = Math.min(LONGEST, FIRST * 2 ** (attempt - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}
