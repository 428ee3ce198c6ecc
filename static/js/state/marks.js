/** How far a message of one's own has come. It never goes back. */

const RANK = { sent: 0, delivered: 1, read: 2 };
const NAMES = ['sent', 'delivered', 'read'];

/**
 * @param {{ seq: number, status: string }} message
 * @param {{ all_delivered_seq: number, all_read_seq: number } | undefined} conversation
 */
export function statusOf(message, conversation) {
  const told = RANK[message.status] ?? 0;
  const delivered = message.seq <= (conversation?.all_delivered_seq ?? 0) ? 1 : 0;
  const read = message.seq <= (conversation?.all_read_seq ?? 0) ? 2 : 0;
  return NAMES[Math.max(told, delivered, read)];
}
