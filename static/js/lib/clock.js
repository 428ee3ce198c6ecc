/** The server's time. The device's own clock may be wrong, or be set while the
 * page is open, so it counts only while the page sleeps. */

let server = Date.now();
let since = performance.now();
let device = Date.now();
/** Milliseconds by which a response's date may differ from this clock. */
const PRECISION = 5_000;

/** Returns the time by the server's clock. */
export const now = () => Math.round(server + performance.now() - since);

/** Sets the time that the server has now. */
export function setClock(time) {
  if (!Number.isFinite(time)) return;
  [server, since, device] = [time, performance.now(), Date.now()];
}

/** Adds a sleep that has just ended: `performance.now()` may have stopped. A
 * device's clock that was set forward looks the same, so the caller must compare
 * the clock with the server's. Returns the milliseconds that were added. */
export function wake() {
  const slept = Math.max(0, Date.now() - device - (performance.now() - since));
  setClock(now() + slept);
  return slept;
}

/** Corrects the clock by the date of a response. The server wrote it after the
 * request was sent, and before the response came.
 * @param {number} date in whole seconds, as in the `Date` header
 * @param {number} sent @param {number} received by this clock */
export function compareClock(date, sent, received) {
  if (date + 1_000 < sent - PRECISION || date > received + PRECISION) setClock(date + 500);
}
