/** Which rows of a long list are drawn. */

/** The rows that are drawn beyond each edge of the view. */
const MARGIN = 8;
/** A list up to this length is drawn as a whole. */
const SHORT = 60;

/**
 * Returns the rows to draw: from `from` up to, but without, `to`.
 * @param {{ count: number, height: number, top: number, room: number }} view
 *   the number of rows, the height of each, how far the list is scrolled beyond
 *   the top of the view (negative if it begins below it), and the view's height
 */
export function rowsInView({ count, height, top, room }) {
  if (count <= SHORT) return { from: 0, to: count };
  const within = (row) => Math.max(0, Math.min(count, row));
  const from = within(Math.floor(top / height) - MARGIN);
  return { from, to: Math.max(from, within(Math.ceil((top + room) / height) + MARGIN)) };
}
