/** How far a message of one's own has come. It never goes back. */

const RANK = { sent: 0, delivered: 1, read: 2 };
const NAMES = ['sent', 'delivered', 'read'];

/**
 * What the message said of itself when it came, or further where the marks of
 * all others have passed it since.
 *
 * @param {{ seq: number, status: string }} message
 * @param {{ all_delivered_seq: number, all_read_seq: number, told?: Told } | undefined} conversation
 */
export function statusOf(message, conversation) {
  const { seq, status } = message;
  const { told } = conversation ?? {};
  const isOwnWord = told?.alone.some(({ from, to }) => seq > from && seq <= to);
  const hasPassed = (mark = 0, before = 0) => !isOwnWord && seq > before && seq <= mark;
  const delivered = hasPassed(conversation?.all_delivered_seq, told?.delivered) ? 1 : 0;
  const read = hasPassed(conversation?.all_read_seq, told?.read) ? 2 : 0;
  return NAMES[Math.max(RANK[status] ?? 0, delivered, read)];
}

/**
 * What messages say of themselves better than the marks do: those that the
 * marks had passed before anything came from here, and those that were sent
 * while there was nobody else. Who joins has marks too, and none of those.
 *
 * @typedef {{ delivered: number, read: number, alone: { from: number, to: number }[] }} Told
 *
 * @param {any} conversation as it comes
 * @param {any} known the same before
 * @returns {Told}
 */
export function toldOf(conversation, known) {
  const { all_delivered_seq: delivered, all_read_seq: read, last_seq: last } = conversation;
  const told = known?.told ?? { delivered, read, alone: [] };
  const open = told.alone.find(({ to }) => to === Infinity);
  const isAlone = conversation.participant_count < 2;
  if (isAlone === Boolean(open)) return told;
  const others = told.alone.filter((range) => range !== open);
  const range = open ? { ...open, to: last } : { from: known ? last : 0, to: Infinity };
  return { ...told, alone: [...others, range] };
}
