/** Names of people: whole in any sentence, and told apart where they look alike. */

/** What looks like something else in some font (UTS 39). For a name that has
 * more than ASCII, the server sends its look. */
const LOOKS = { '"': "''", '%': '°/₀', 0: 'O', 1: 'l', I: 'l', '`': "'", m: 'rn', '|': 'l' };
const lookOfAscii = (name) => name.replace(/["%01I`m|]/gu, (sign) => LOOKS[sign])
  .split(/\s+/u).filter(Boolean).join(' ');
/** What the page calls people by their part in a conversation. */
const RESERVED = new Set(['you', 'owner', 'admin', 'member'].flatMap((word) =>
  [word, word[0].toUpperCase() + word.slice(1), word.toUpperCase()]).map(lookOfAscii));

/** @param {{ display_name: string, look?: string }} user */
export const lookOf = ({ look, display_name: name }) => look ?? lookOfAscii(name);

/**
 * Those of these people whose names look like another's, or like a part in the
 * conversation: the page shows their usernames, too.
 * @param {{ id: number, display_name: string, look?: string }[]} users
 * @returns {Set<number>} their ids
 */
export function alike(users) {
  const first = new Map();
  const found = new Set();
  for (const user of users) {
    const look = lookOf(user);
    const known = first.get(look);
    if (known === undefined) first.set(look, user.id);
    else if (known !== user.id) found.add(known).add(user.id);
    if (RESERVED.has(look)) found.add(user.id);
  }
  return found;
}

/** A name, and the username after it if others have one that looks like it. */
export const called = (user, isAlike) =>
  (isAlike ? `${user.display_name} @${user.username}` : user.display_name);

/** A name in a sentence: neither reorders the text around the other. */
export const isolated = (name) => `\u2068${name.replace(/\p{Bidi_Control}/gu, '')}\u2069`;

/** Both names, for a question after which something can't be undone. */
export const both = (user) => `${isolated(user.display_name)} (@${user.username})`;
