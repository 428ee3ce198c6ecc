/** Splits a text into plain parts and links. The server has the same rule in
 * `web/pages/view/text.rs`, and one table of cases tests both. Each character
 * is read a constant number of times, so that no text takes long. */

/** What a link begins with, or the sign in a mail address. */
const MARKS = /(?<![a-z0-9])https?:\/\/|(?<![a-z0-9@./_-])www\.|@/giu;
/** The part of a mail address before the sign. */
const LOCAL = /[a-z0-9.+_-]/iu;
const HOST_PART = /[\p{L}\p{M}\p{N}_.-]/u;
/** A host name without a scheme has a dot, and ends with a name of letters. */
const NAMED = /\.(?=[^.]*\p{L})[^.]{2,}$/u;
const MOST_LOCAL = 64;
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
 * @returns {{ text: string, isLink: boolean, href?: string }[]}
 */
export function pieces(text) {
  const found = [];
  let [end, from] = [0, 0];
  MARKS.lastIndex = 0;
  for (let match = MARKS.exec(text); match; match = MARKS.exec(text)) {
    const mark = { at: match.index, text: match[0], from };
    const link = mark.text === '@' ? mailAt(text, mark) : pageAt(text, mark);
    from = link.stop;
    MARKS.lastIndex = from;
    if (!link.href) continue;
    if (link.start > end) found.push({ text: text.slice(end, link.start), isLink: false });
    found.push({ text: text.slice(link.start, link.last), isLink: true, href: link.href });
    end = link.last;
  }
  if (end < text.length) found.push({ text: text.slice(end), isLink: false });
  return found;
}

/** Reads the address of a page that begins at a mark. Without an `href`, it is
 * no link. The search goes on at `stop`. */
function pageAt(text, { at: start, text: mark }) {
  const hasScheme = mark.endsWith('/');
  const authority = start + (hasScheme ? mark.length : 0);
  const { stop, length } = endOf(text, authority);
  const last = trimmed(text, authority, stop);
  const isLong = authority - start + length - (stop - last) > MOST;
  const address = text.slice(authority, last);
  if (isLong || !isHonest(address) || !(hasScheme || isNamed(address.slice(mark.length)))) return { stop };
  return { start, last, stop, href: hasScheme ? text.slice(start, last) : `https://${address}` };
}

/** Reads the mail address around a sign, but nothing before `from`. */
function mailAt(text, { at, from }) {
  let start = at;
  while (start > from && LOCAL.test(text[start - 1])) start -= 1;
  let stop = at + 1;
  while (stop < text.length) {
    const sign = String.fromCodePoint(text.codePointAt(stop));
    if (!HOST_PART.test(sign)) break;
    stop += sign.length;
  }
  const last = trimmed(text, at + 1, stop);
  const [local, host] = [text.slice(start, at), text.slice(at + 1, last)];
  const isPart = start > 0 && /[\p{L}\p{M}\p{N}@/]$/u.test(text.slice(Math.max(start - 2, 0), start));
  const isLocal = local && local.length <= MOST_LOCAL && !local.startsWith('.') && !local.endsWith('.');
  const isMail = !isPart && isLocal && text[stop] !== '@' && isHonest(host) && isNamed(host);
  return isMail ? { start, last, stop, href: `mailto:${local}@${host}` } : { stop };
}

/** Whether the host of an address has a name, not only digits. */
const isNamed = (address) => NAMED.test(/^[^/?#:]*/u.exec(address)[0]);

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
