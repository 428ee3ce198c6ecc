/**
 * The layout of messages: grouped by day and by sender, with a line before the
 * first unread one.
 */
import { statusOf } from './marks.js';

/** The longest time between two messages of one group, in milliseconds. */
const CLOSE = 5 * 60_000;

/**
 * @param {any[]} messages in order of `seq`
 * @param {any[]} waiting unsent, from the outbox
 * @param {{ me: { id: number }, conversation: any, line: { after: number, count: number } | null,
 *   dayOf: (at: number) => string }} seen
 */
export function layout(messages, waiting, { me, conversation, line, dayOf }) {
  const days = [];
  let before = null;
  let isLineDue = Boolean(line);
  for (const message of messages) {
    const at = Date.parse(message.created_at);
    const day = dayAt(days, dayOf(at), at);
    if (isLineDue && isNew(message, line, me)) {
      isLineDue = false;
      before = null;
      day.items.push({ kind: 'unread', key: 'unread', count: line.count });
    }
    day.items.push(shown(message, before, at, { me, conversation, day }));
    before = { message, at, day };
  }
  // The history may bring a message before its echo does.
  const sent = new Set(messages.map(({ client_id: id }) => id));
  for (const item of waiting) {
    if (sent.has(item.client_id)) continue;
    const day = dayAt(days, dayOf(item.created_at), item.created_at);
    const isFirst = !before || before.message.sender?.id !== me.id
      || before.message.kind !== 'text' || before.day !== day
      || item.created_at - before.at > CLOSE;
    day.items.push({ kind: 'waiting', key: item.client_id, item, isFirst, status: item.state });
    before = { message: { sender: me, kind: 'text' }, at: item.created_at, day };
  }
  return days;
}

function shown(message, before, at, { me, conversation, day }) {
  const isMine = message.sender.id === me.id;
  const isFirst = !before || before.day !== day || !follows(before.message, message)
    || at - before.at > CLOSE;
  const hasTicks = isMine && !message.deleted && message.kind === 'text';
  return {
    kind: message.kind === 'system' ? 'system' : 'message',
    // A message keeps its key, and so its node, when it is sent.
    key: (isMine && message.client_id) || `m${message.id}`,
    message,
    isMine,
    isFirst,
    isNamed: conversation?.kind === 'group' && isFirst && !isMine,
    status: hasTicks ? statusOf(message, conversation) : null,
  };
}

const follows = (one, two) =>
  one.sender.id === two.sender.id && one.kind === 'text' && two.kind === 'text';

const isNew = (message, line, me) =>
  message.seq > line.after && message.kind === 'text' && message.sender.id !== me.id;

/** Returns the last day, or a new one if `key` is later: clocks can go back. */
function dayAt(days, key, at) {
  const last = days.at(-1);
  if (last && last.key >= key) return last;
  const day = { key, at, items: [] };
  days.push(day);
  return day;
}
