/** Animations. They are skipped if the user prefers reduced motion. */

const QUICK = { duration: 160, easing: 'ease-out' };

export const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Animates a node from the style `from` to its current one. */
export function moved(node, from, options = QUICK) {
  if (!isCalm()) node.animate([{ ...from, offset: 0 }], options);
}

/**
 * Runs `change`, which reorders the children of `parent`, and slides those that
 * moved to their new places.
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
