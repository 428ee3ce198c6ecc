/** The frames that a client sends, as docs/protocol.md has them. */

export const message = (item) => ({
  type: 'message',
  conversation_id: item.conversation_id,
  message: item.text,
  client_id: item.client_id,
  ...(item.reply_to ? { reply_to: item.reply_to.id } : {}),
});

export const typing = (conversation, isTyping) =>
  ({ type: 'typing', conversation_id: conversation, is_typing: isTyping });

export const mark = ({ type, conversation_id, message_id }) =>
  ({ type, conversation_id, message_id });

/** `epoch` says of which history the cursors are, `people` up to which version
 * names are known. */
export const resumeAll = (cursors, epoch, people) => ({ type: 'resume', cursors, epoch, people });

export const resumeOne = (conversation, after, epoch) =>
  ({ type: 'resume', conversation_id: conversation, after, epoch });

export const ping = () => ({ type: 'ping' });

/** Close codes, and what is to be done: `docs/protocol.md`. */
export const LOGIN_ENDED = 4401;
