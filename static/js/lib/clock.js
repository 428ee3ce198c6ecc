/** The server's time. The device's own clock may be wrong, or be set while the
 * page is open, so it counts only while the page sleeps. */

let server = Date.now();
let since = performance.now();
let device = Date.now();

/** Returns the time by the server's clock. */
export const now = () => Math.round(server + performance.now() - since);

/** Sets the time that the server has now. */
export function setClock(time) {
  if (!Number.isFinite(time)) return;
  [server, since, device] = [time, performance.now(), Date.now()];
}

/** Adds a sleep that has just ended: `performance.now()` may have stopped. */
export function wake() {
  const slept = Date.now() - device - (performance.now() - since);
  setClock(now() + Math.max(slept, 0));
}
