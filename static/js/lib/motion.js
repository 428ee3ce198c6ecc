/** Motion says what happened, and is left out for who asks for none. */

const QUICK = { duration: 160, easing: 'ease-out' };

export const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Runs an animation that ends in how things are. */
export function moved(node, from, options = QUICK) {
  if (!isCalm()) node.animate([{ ...from, offset: 0 }], options);
}

/**
 * Runs what puts the children of `parent` into another order, and has those
 * that moved slide to where they are.
 * @param {HTMLElement} parent
 * @param {() => void} change
 */
export function sliding(parent, change) {
  const before = new Map();
  if (!isCalm()) for (const child of parent.children) before.set(child, child.offsetTop);
  change();
  for (const [child, top] of before) {
    const way = child.isConnected ? top - child.offsetTop : 0;
    if (way) moved(child, { transform: `translateY(${way}px)` });
  }
}
