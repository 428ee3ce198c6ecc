/** A text, cut into words and links. The server has the same rule in
 * `web/pages/view/text.rs`, and both are tested with one table of cases. Each
 * character is read a constant number of times, whatever the text. */

const SCHEME = /(?<![a-z0-9])https?:\/\//giu;
/** A longer one is plain text. */
const MOST = 2_048;
/** No address has these in it: it ends before them. */
const ENDS = /[\s\p{Cc}<>"`{}|\\^«»‘-‟‹›…、。〈-】〔-〟！（），：；？｛｝｡-､]/u;
/** A sentence goes on after these, if they end an address. */
const TRAILING = new Set(".,:;!?'*_~([");
const PAIRS = { ')': '(', ']': '[' };
/** Not visible, or changing the direction of what is: the text would deceive. */
const HIDDEN = /\p{Default_Ignorable_Code_Point}/u;
const HOST = /^(?:\[[\da-f:.]+\]|(?=.*[\p{L}\p{N}])[\p{L}\p{M}\p{N}_.-]+)(?::\d{1,5})?$/iu;
/** A part of a host's name is of one of these, besides what all scripts use. */
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
 * Cuts a text at its links. Nothing is lost: the pieces together are the text.
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
    const { stop, length } = reach(text, authority);
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

/** How far an address can go: up to a closing bracket that it didn't open. */
function reach(text, from) {
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

/** Whether an address leads to where it seems to lead: to a host without a user
 * in front, whose name is of one script, with nothing hidden. */
function isHonest(address) {
  const authority = /^[^/?#]*/u.exec(address)[0];
  if (!HOST.test(authority) || HIDDEN.test(address)) return false;
  return authority.split('.').every((label) => LABELS.some((known) => known.test(label)));
}

/** A text of more than this is folded, and then shown up to about here. */
const LONG = { signs: 1_500, lines: 30 };
const SHOWN = { signs: 1_000, lines: 20 };
/** So far back the fold looks for white space. */
const BACK = 200;

/**
 * The pieces of a text, in two parts if it is long; no link is cut.
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

/** Where a long text is folded: after white space, if some is near. */
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
