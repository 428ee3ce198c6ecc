/** How long to wait before the next attempt: none the first time, then
 * longer each time, never the same for all, 20 s at most. */

const FIRST = 500;
const LONGEST = 20_000;

/**
 * @param {number} attempt how many have failed in a row
 * @param {number} random from 0 to 1
 */
export function delay(attempt, random) {
  if (attempt <= 0) return 0;
  const whole = Math.min(LONGEST, FIRST * 2 ** (attempt - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}
