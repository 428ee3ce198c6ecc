/** The `test` function of `node:test`, for browsers: runs each test at once and
 * keeps its outcome. */

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
