/** What a message says of users who are called otherwise now. */

/**
 * The message as it is with the user's names of now: the same one if it doesn't
 * name them. Reactions name users by username, so `before` is what that was.
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
