/** The frames that a client sends, from docs/protocol.md. */

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

/** `epoch` names the cursors' history; `people` is the version of names. Other
 * conversations come only if they have changed since a time. */
export const resumeAll = (cursors, { epoch, people, since }) =>
  ({ type: 'resume', cursors, epoch, people, since });

export const resumeOne = (conversation, after, epoch) =>
  ({ type: 'resume', conversation_id: conversation, after, epoch });

export const ping = () => ({ type: 'ping' });

/** A close code; docs/protocol.md says what to do after each. */
export const LOGIN_ENDED = 4401;
