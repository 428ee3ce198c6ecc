/** Agreement between the tabs of one browser: by Web Locks, or by messages, as
 * browsers have no locks without a secure connection. */

const PREFIX = 'tidings.';
/** Milliseconds within which each tab has got the same message. */
const APART = 30_000;
/** Milliseconds within which the other tabs answer. */
const ANSWER = 150;

const { locks } = navigator;
/** Messages between tabs without locks. */
const claims = locks ? null : openClaims().catch(() => null);
const answers = () => new Promise((done) => { setTimeout(done, ANSWER); });

/** @returns {Promise<import('./claims.js').Claims>} */
async function openClaims() {
  const { Claims } = await import('./claims.js');
  const channel = new BroadcastChannel('tidings.tabs');
  const made = new Claims(Math.random(), (message) => channel.postMessage(message));
  channel.addEventListener('message', ({ data }) => made.receive(data, performance.now()));
  return made;
}

/** Runs `act` if this tab is the first to claim `name` within `apart` ms. If it
 * returns false, the claim ends.
 * @returns {Promise<boolean>} whether this tab is the first */
export async function isFirst(name, { apart = APART, act = () => true } = {}) {
  if (!locks) {
    const all = await claims;
    if (!all) return act() !== false;
    const claim = all.claim(name, performance.now(), apart);
    await answers();
    const isFirstClaim = all.decide(claim);
    if (isFirstClaim && act() === false) all.release(name);
    return isFirstClaim;
  }
  return new Promise((settle) => {
    const hold = (lock) => {
      const isKept = lock !== null && act() !== false;
      settle(lock !== null);
      return isKept ? new Promise((done) => { setTimeout(done, apart); }) : null;
    };
    // A page that can't have locks acts alone.
    locks.request(PREFIX + name, { ifAvailable: true }, hold).catch(() => settle(act() !== false));
  });
}

/** Returns whether a tab holds `name`. */
export async function isHeld(name) {
  if (!locks) {
    const all = await claims;
    all?.ask(name);
    await answers();
    return Boolean(all?.isHeld(name));
  }
  const { held = [] } = await locks.query().catch(() => ({}));
  return held.some((lock) => lock.name === PREFIX + name);
}

let last = { name: null, end: () => {} };

/** Holds `name` instead of the last one, or none if it is null. */
export function hold(name) {
  if (name === last.name) return;
  last.end();
  claims?.then((all) => all && Object.assign(all, { held: name }));
  const next = { name, end: () => {} };
  last = next;
  if (name === null) return;
  locks?.request(PREFIX + name, { mode: 'shared' }, () =>
    (last === next ? new Promise((done) => { next.end = done; }) : null)).catch(() => {});
}
