/** Layers above the page: menus, pickers, dialogs and panels. Each has an entry
 * in the browser's history, so that Back closes the topmost layer first. The
 * entry of a panel has its own URL, by which Forward opens the panel again. */

/** Milliseconds until a move in the history counts as done. */
const LATEST = 1_000;
/** The open layers, from the bottom to the top. */
const layers = [];
let isDue = false;
/** Whether this module is moving in the history. */
let isMoving = false;
let settled = Promise.resolve();
let settle = () => {};
let reopen = () => {};

const depth = () => history.state?.layers ?? 0;
const below = () => (depth() ? history.state.page : null) ?? location.href;
/** The URL at the last move, or below the layers. */
let page = below();

/** The URL of the page below all layers. */
export const pageUrl = () => (depth() ? page : location.href);

/** Sets the function that opens the panel of a URL again, if there is one. */
export const whenAhead = (act) => {
  reopen = act;
};

/** Adds a layer. Returns a function to call when the layer has closed.
 * @param {() => void} close
 * @param {() => string | null} url returns the layer's own URL */
export function addLayer(close, url = () => null) {
  const layer = { close, url };
  layers.push(layer);
  schedule();
  return () => {
    const at = layers.indexOf(layer);
    if (at < 0) return;
    layers.splice(at, 1);
    schedule();
  };
}

/** Closes the topmost layer. Returns false if there is none. */
export function closeTopLayer() {
  const top = layers.pop();
  if (!top) return false;
  top.close();
  schedule();
  return true;
}

/** Closes all layers. Settles once the browser is before their entries. */
export async function closeLayers() {
  while (layers.length) layers.pop().close();
  matchHistory();
  await settled;
}

/** Goes back to the page before, which the client shows already. Settles once
 * the browser is there. */
export async function goBack() {
  await closeLayers();
  move(-1);
  await settled;
}

/** Handles a move in the history. Returns whether the page below stays. */
export function handleMove() {
  const isSame = below() === page;
  const hadLayers = layers.length > 0;
  page = below();
  if (isMoving) {
    arrive();
    return true;
  }
  while (layers.length > depth()) layers.pop().close();
  const isAhead = depth() > layers.length;
  if (isSame && isAhead) reopen(location.href);
  matchHistory();
  return isSame && (hadLayers || isAhead);
}

function arrive() {
  isMoving = false;
  settle();
  matchHistory();
}

/** Waits for the end of the task: it may close one layer and open another. */
function schedule() {
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    matchHistory();
  });
}

/** Gives each layer an entry, and goes back over the entries of closed layers. */
export function matchHistory() {
  if (isMoving) return;
  if (!depth()) page = location.href;
  const over = depth() - layers.length;
  if (over > 0) {
    move(-over);
    return;
  }
  // A layer below the topmost one may have closed, or changed its URL.
  if (depth() && location.href !== urlAt(depth())) history.replaceState(history.state, '', urlAt(depth()));
  for (let next = depth() + 1; next <= layers.length; next += 1) {
    history.pushState({ ...history.state, layers: next, page }, '', urlAt(next));
  }
}

/** Returns the URL of the entry with this number of layers. */
function urlAt(count) {
  const own = layers.slice(0, count).map(({ url }) => url()).findLast(Boolean);
  return own ? new URL(own, location.href).href : page;
}

function move(by) {
  isMoving = true;
  const moved = new Promise((resolve) => { settle = resolve; });
  settled = moved;
  history.go(by);
  // Without such an entry, as in a restored session, nothing moves.
  setTimeout(() => {
    if (!isMoving || settled !== moved) return;
    if (depth() > layers.length) history.replaceState({ ...history.state, layers: layers.length }, '');
    arrive();
  }, LATEST);
}
