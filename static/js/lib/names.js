/** Users' names: how they are shown, and how those that look alike differ. */
import { graphemes } from './text.js';

/** Characters that look like others in some font (UTS 39). For names with more
 * than ASCII, the server sends their `look`. */
const LOOKS = { '"': "''", '%': '°/₀', 0: 'O', 1: 'l', I: 'l', '`': "'", m: 'rn', '|': 'l' };
const lookOfAscii = (name) => name.replace(/["%01I`m|]/gu, (sign) => LOOKS[sign])
  .split(/\s+/u).filter(Boolean).join(' ');
/** The page's words for roles, by their look. */
const RESERVED = new Set(['you', 'owner', 'admin', 'member'].flatMap((word) =>
  [word, word[0].toUpperCase() + word.slice(1), word.toUpperCase()]).map(lookOfAscii));

/** @param {{ display_name: string, look?: string }} user */
export const lookOf = ({ look, display_name: name }) => look ?? lookOfAscii(name);

/**
 * Returns the users whose names look like another's, or like a role: the page
 * shows their usernames, too.
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

/** Returns a name, with the username if another name looks like it. */
export const called = (user, isAlike) =>
  (isAlike ? `${user.display_name} @${user.username}` : user.display_name);

/** Isolates a name's text direction from that of the sentence. */
export const isolated = (name) => `\u2068${name.replace(/\p{Bidi_Control}/gu, '')}\u2069`;

/** Characters of scripts that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Isolates a name in a title only if it needs that: not all systems hide the
 * characters that isolate. */
export const titled = (name) => (RIGHT_TO_LEFT.test(name) ? isolated(name) : name);

/** Returns both names, to confirm an action that can't be undone. */
export const both = (user) => `${isolated(user.display_name)} (@${user.username})`;

// Avatars, computed as on the server: initials on one of twelve hues.

const HUES = 12;

/** Returns the number of a name's hue: FNV-1a over its UTF-8. */
export function hue(name) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash % HUES;
}

/** Returns the first letters of the first and the last word. */
export function initials(name) {
  const words = name.split(/\s+/u).filter(Boolean);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map(letter).join('');
}

/** The longest name in UTF-16 units. Browsers take quadratic time to split a
 * longer text into characters. */
const LONGEST = 200;

/** Returns a word's first letter, in upper case if that is one letter, too. */
function letter(word) {
  const signs = graphemes(word.slice(0, LONGEST));
  const sign = signs.find((each) => /[\p{L}\p{N}]/u.test(each)) ?? signs[0];
  const upper = sign.toUpperCase();
  return graphemes(upper).length === 1 ? upper : sign;
}
