/** The delivery status of the user's own messages. It never goes back. */

const RANK = { sent: 0, delivered: 1, read: 2 };
const NAMES = ['sent', 'delivered', 'read'];

/**
 * Returns the status that the message had on arrival, or a higher one if the
 * marks of all other participants have passed it since.
 *
 * @param {{ seq: number, status: string }} message
 * @param {{ all_delivered_seq: number, all_read_seq: number, exempt?: Exempt } | undefined} conversation
 */
export function statusOf(message, conversation) {
  const { seq, status } = message;
  const { exempt } = conversation ?? {};
  const isExempt = exempt?.alone.some(({ from, to }) => seq > from && seq <= to);
  const hasPassed = (mark = 0, before = 0) => !isExempt && seq > before && seq <= mark;
  const delivered = hasPassed(conversation?.all_delivered_seq, exempt?.delivered) ? 1 : 0;
  const read = hasPassed(conversation?.all_read_seq, exempt?.read) ? 2 : 0;
  return NAMES[Math.max(RANK[status] ?? 0, delivered, read)];
}

/**
 * Returns the messages whose own status counts, not the marks. These are the
 * messages that the marks had passed when the conversation was first received,
 * and those sent while the user was the only member. A later member's marks
 * pass the latter, too, but that member never got them.
 *
 * @typedef {{ delivered: number, read: number, alone: { from: number, to: number }[] }} Exempt
 *
 * @param {any} conversation as received
 * @param {any} known its state before
 * @returns {Exempt}
 */
export function exemptOf(conversation, known) {
  const { all_delivered_seq: delivered, all_read_seq: read, last_seq: last } = conversation;
  const exempt = known?.exempt ?? { delivered, read, alone: [] };
  const open = exempt.alone.find(({ to }) => to === Infinity);
  const isAlone = conversation.participant_count < 2;
  if (isAlone === Boolean(open)) return exempt;
  const others = exempt.alone.filter((range) => range !== open);
  const range = open ? { ...open, to: last } : { from: known ? last : 0, to: Infinity };
  return { ...exempt, alone: [...others, range] };
}
