/** Layers above the page: menus, pickers and dialogs. Each has an entry in the
 * browser's history, so that Back closes the topmost layer first. */

/** Milliseconds until a move in the history counts as done. */
const LATEST = 1_000;
/** The open layers, from the bottom to the top. */
const layers = [];
let isDue = false;
/** Whether this module is moving in the history. */
let isMoving = false;
let settled = Promise.resolve();
let settle = () => {};
/** The URL at the last move, or below the layers. */
let page = location.href;

const depth = () => history.state?.layers ?? 0;

/** Adds a layer. Returns a function to call when the layer has closed.
 * @param {() => void} close */
export function addLayer(close) {
  const layer = { close };
  layers.push(layer);
  schedule();
  return () => {
    const at = layers.indexOf(layer);
    if (at < 0) return;
    layers.splice(at, 1);
    schedule();
  };
}

/** Closes all layers. Settles once the browser is before their entries. */
export async function closeLayers() {
  while (layers.length) layers.pop().close();
  matchHistory();
  await settled;
}

/** Handles a move in the history. Returns whether the page below stays. */
export function handleMove() {
  const isSame = location.href === page;
  const hadLayers = layers.length > 0;
  page = location.href;
  if (isMoving) {
    arrive();
    return true;
  }
  while (layers.length > depth()) layers.pop().close();
  const isAhead = depth() > layers.length;
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
  const over = depth() - layers.length;
  if (over > 0) {
    isMoving = true;
    const move = new Promise((resolve) => { settle = resolve; });
    settled = move;
    history.go(-over);
    // Without such an entry, as in a restored session, nothing moves.
    setTimeout(() => {
      if (!isMoving || settled !== move) return;
      history.replaceState({ ...history.state, layers: layers.length }, '');
      arrive();
    }, LATEST);
  }
  for (let next = depth() + 1; next <= layers.length; next += 1) {
    page = location.href;
    history.pushState({ ...history.state, layers: next }, '');
  }
}
