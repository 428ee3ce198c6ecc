/** What the tests use of `node:test`, for browsers: each runs at once, and
 * what it came to is kept. */

/** @type {Promise<{ name: string, wrong: string | null }>[]} */
export const outcomes = [];

export function test(name, run) {
  const outcome = (async () => {
    try {
      await run();
      return { name, wrong: null };
    } catch (error) {
      return { name, wrong: error?.stack ?? String(error) };
    }
  })();
  outcomes.push(outcome);
  return outcome;
}
