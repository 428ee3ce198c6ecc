/** Locks by which the tabs of one browser agree. Without a secure connection,
 * browsers have no locks, and each tab acts alone. */

const PREFIX = 'tidings.';
/** Milliseconds within which each tab has got the same message. */
const APART = 30_000;

/** Returns whether this tab is the first to claim `name`. */
export async function isFirst(name) {
  if (!navigator.locks) return true;
  return new Promise((settle) => {
    navigator.locks.request(PREFIX + name, { ifAvailable: true }, (lock) => {
      settle(lock !== null);
      return lock && new Promise((done) => { setTimeout(done, APART); });
    });
  });
}

/** Returns whether a tab holds `name`. */
export async function isHeld(name) {
  const { held = [] } = await navigator.locks?.query() ?? {};
  return held.some((lock) => lock.name === PREFIX + name);
}

let last = { name: null, end: () => {} };

/** Holds `name` instead of the last one, or none if it is null. */
export function hold(name) {
  if (name === last.name) return;
  last.end();
  const next = { name, end: () => {} };
  last = next;
  if (name === null) return;
  navigator.locks?.request(PREFIX + name, { mode: 'shared' }, () =>
    (last === next ? new Promise((done) => { next.end = done; }) : null));
}
