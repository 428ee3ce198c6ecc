/** Animations. They are skipped if the user prefers reduced motion. */

const QUICK = { duration: 160, easing: 'ease-out' };

export const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Animates a node from the style `from` to its current one. */
export function moved(node, from, options = QUICK) {
  if (!isCalm()) node.animate([{ ...from, offset: 0 }], options);
}
