/** Applies changed user names to messages. */

/**
 * Returns the message with the user's current names, or the message itself if
 * it doesn't name them. `before` is the old username: reactions hold usernames.
 */
export function renamedIn(message, user, before) {
  if (!message) return message;
  const isSender = message.sender.id === user.id;
  const isQuoted = message.reply_to?.sender.id === user.id;
  const isNamed = Boolean(before) && before !== user.username
    && message.reactions?.some(({ usernames }) => usernames.includes(before));
  if (!isSender && !isQuoted && !isNamed) return message;
  return {
    ...message,
    sender: isSender ? user : message.sender,
    reply_to: isQuoted ? { ...message.reply_to, sender: user } : message.reply_to,
    reactions: isNamed
      ? message.reactions.map((reaction) => ({
        ...reaction,
        usernames: reaction.usernames.map((name) => (name === before ? user.username : name)),
      }))
      : message.reactions,
  };
}
