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

// The drawn face of a name, as the server draws it: initials on one of twelve
// hues.

const HUES = 12;

/** FNV-1a over the name's UTF-8. */
export function hue(name) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash % HUES;
}

/** The first letters of the first and the last word. */
export function initials(name) {
  const words = name.split(/\s+/u).filter(Boolean);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map(letter).join('').toUpperCase();
}

const letter = (word) => {
  const signs = [...word];
  return signs.find((sign) => /[\p{L}\p{N}]/u.test(sign)) ?? signs[0];
};
