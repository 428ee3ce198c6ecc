/** Several selected messages are copied with their times and senders. */
import { clock } from '../lib/time.js';
import { find } from '../lib/dom.js';
import { called } from '../lib/names.js';

export function watchCopying(app) {
  document.addEventListener('copy', (event) => {
    const selection = getSelection();
    const { thread } = app;
    if (!thread || selection.isCollapsed || event.target.closest?.('input, textarea')) return;
    const lines = linesIn(selection.getRangeAt(0), app);
    if (lines.length < 2) return;
    event.clipboardData.setData('text/plain', lines.join('\n'));
    event.preventDefault();
  });
}

/** Returns a line for each message in a range, with the selected part of its
 * text. */
function linesIn(range, { thread, me }) {
  const { alike } = thread;
  const nodes = [...thread.node.querySelectorAll('.history .message, .history .system')];
  return nodes.map((node) => {
    const text = selectedIn(find('.said', node) ?? find('span', node), range);
    if (!text) return '';
    const message = node.item.message ?? { sender: me, created_at: node.item.item.created_at };
    const { sender } = message;
    const name = message.kind === 'system' ? '' : `${called(sender, alike.has(sender.id))}: `;
    return `[${clock(message.created_at)}] ${name}${text}`;
  }).filter(Boolean);
}

function selectedIn(said, range) {
  if (!range.intersectsNode(said)) return '';
  const part = document.createRange();
  part.selectNodeContents(said);
  if (said.contains(range.startContainer)) part.setStart(range.startContainer, range.startOffset);
  if (said.contains(range.endContainer)) part.setEnd(range.endContainer, range.endOffset);
  return part.toString().trim();
}
