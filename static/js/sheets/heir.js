/** Who becomes the owner of a group when its owner leaves. */
import * as api from '../net/api.js';

const RANK = { admin: 0, member: 1 };

/** Sorts members in the order in which the server chooses the next owner. */
export const inOrder = (members) => [...members].sort((one, two) => RANK[one.role] - RANK[two.role]
  || Date.parse(one.joined_at) - Date.parse(two.joined_at) || one.user.id - two.user.id);

/** Returns the user who becomes the owner; null if the user isn't the owner, or
 * if the members can't be loaded. */
export async function heirOf(app, conversation) {
  if (app.store.conversations.mark(conversation)?.role !== 'owner') return null;
  try {
    const members = await api.members(conversation.id);
    return inOrder(members.filter(({ user }) => user.id !== app.me.id))[0]?.user ?? null;
  } catch {
    return null;
  }
}
