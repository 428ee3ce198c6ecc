/** Splits a text into plain parts and links. The server has the same rule in
 * `web/pages/view/text.rs`, and one table of cases tests both. Each character
 * is read a constant number of times, so that no text takes long. */

const SCHEME = /(?<![a-z0-9])https?:\/\//giu;
/** The longest link, in characters: a longer address is plain text. */
const MOST = 2_048;
/** An address ends before any of these. */
const ENDS = /[\s\p{Cc}<>"`{}|\\^«»‘-‟‹›…、。〈-】〔-〟！（），：；？｛｝｡-､]/u;
/** At the end of an address, these belong to the sentence around it. */
const TRAILING = new Set(".,:;!?'*_~([");
const PAIRS = { ')': '(', ']': '[' };
/** Invisible characters and direction changes: they disguise an address. */
const HIDDEN = /\p{Default_Ignorable_Code_Point}/u;
const HOST = /^(?:\[[\da-f:.]+\]|(?=.*[\p{L}\p{N}])[\p{L}\p{M}\p{N}_.-]+)(?::\d{1,5})?$/iu;
/** Each label of a host name uses one of these sets, and common characters. */
const SCRIPTS = [
  ['Han', 'Hiragana', 'Katakana'], ['Han', 'Hangul'], ['Han', 'Bopomofo'],
  ...['Latin', 'Cyrillic', 'Greek', 'Arabic', 'Armenian', 'Bengali', 'Devanagari', 'Ethiopic',
    'Georgian', 'Gujarati', 'Gurmukhi', 'Hebrew', 'Kannada', 'Khmer', 'Lao', 'Malayalam',
    'Myanmar', 'Oriya', 'Sinhala', 'Tamil', 'Telugu', 'Thaana', 'Thai', 'Tibetan'].map((it) => [it]),
];
const LABELS = SCRIPTS.map((names) => {
  const known = [...names, 'Common', 'Inherited'];
  return new RegExp(`^[${known.map((name) => `\\p{scx=${name}}`).join('')}]*$`, 'u');
});

/**
 * Splits a text at its links. The pieces together are the whole text.
 * @param {string} text
 * @returns {{ text: string, isLink: boolean }[]}
 */
export function pieces(text) {
  const found = [];
  let end = 0;
  SCHEME.lastIndex = 0;
  for (let match = SCHEME.exec(text); match; match = SCHEME.exec(text)) {
    const start = match.index;
    const authority = start + match[0].length;
    const { stop, length } = endOf(text, authority);
    const last = trimmed(text, authority, stop);
    const isLong = match[0].length + length - (stop - last) > MOST;
    SCHEME.lastIndex = stop;
    if (isLong || !isHonest(text.slice(authority, last))) continue;
    if (start > end) found.push({ text: text.slice(end, start), isLink: false });
    found.push({ text: text.slice(start, last), isLink: true });
    end = last;
  }
  if (end < text.length) found.push({ text: text.slice(end), isLink: false });
  return found;
}

/** Returns where an address must end: before a bracket that it didn't open. */
function endOf(text, from) {
  const open = { '(': 0, '[': 0 };
  let length = 0;
  let stop = from;
  while (stop < text.length) {
    const sign = String.fromCodePoint(text.codePointAt(stop));
    const opening = PAIRS[sign];
    if (ENDS.test(sign) || (opening && open[opening] === 0)) break;
    if (opening) open[opening] -= 1;
    else if (sign in open) open[sign] += 1;
    stop += sign.length;
    length += 1;
  }
  return { stop, length };
}

function trimmed(text, from, stop) {
  let last = stop;
  while (last > from && TRAILING.has(text[last - 1])) last -= 1;
  return last;
}

/** Whether an address shows its real target: no user name before the host, each
 * label of the host in one script, no hidden characters. */
function isHonest(address) {
  const authority = /^[^/?#]*/u.exec(address)[0];
  if (!HOST.test(authority) || HIDDEN.test(address)) return false;
  return authority.split('.').every((label) => LABELS.some((known) => known.test(label)));
}

/** A text longer than `LONG` is folded after about `SHOWN`. */
const LONG = { signs: 1_500, lines: 30 };
const SHOWN = { signs: 1_000, lines: 20 };
/** How many characters back the fold looks for white space. */
const BACK = 200;

/**
 * Returns a text's pieces, with a `tail` if the text is long. No link is cut.
 * @param {string} text
 */
export function folded(text) {
  const fold = foldOf(text) ?? text.length;
  const [head, tail] = [[], []];
  let start = 0;
  for (const piece of pieces(text)) {
    const shown = piece.isLink && start < fold ? piece.text.length : Math.max(fold - start, 0);
    const [here, below] = [piece.text.slice(0, shown), piece.text.slice(shown)];
    if (here) head.push({ ...piece, text: here });
    if (below) tail.push({ ...piece, text: below });
    start += piece.text.length;
  }
  return { head, tail };
}

/** Returns where to fold a long text: after white space, if some is near. */
function foldOf(text) {
  let [signs, lines, at] = [0, 0, 0];
  let fold = null;
  let space = { at: 0, signs: -BACK - 1 };
  while (at < text.length) {
    const sign = String.fromCodePoint(text.codePointAt(at));
    if (fold === null && (signs === SHOWN.signs || lines === SHOWN.lines)) {
      fold = signs - space.signs <= BACK ? space.at : at;
    }
    at += sign.length;
    signs += 1;
    if (sign === '\n') lines += 1;
    if (/\s/u.test(sign)) space = { at, signs };
  }
  return signs > LONG.signs || lines > LONG.lines ? fold : null;
}
