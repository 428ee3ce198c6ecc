/** Forms of text: trimmed for sending, cut, and folded for searches. */

const LINE_ENDS = ['\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029'];

/** Removes blank lines at the beginning and white space at the end; the first
 * line keeps its indentation. A lone surrogate, which no message can hold,
 * becomes U+FFFD. */
export function withoutMargins(text) {
  const ended = text.trimEnd();
  const lead = ended.slice(0, ended.length - ended.trimStart().length);
  const start = Math.max(...LINE_ENDS.map((end) => lead.lastIndexOf(end)));
  const kept = ended.slice(start + 1);
  return kept.toWellFormed?.() ?? kept;
}

const GRAPHEMES = globalThis.Intl?.Segmenter && new Intl.Segmenter();

/** Returns the characters of a text as users see them: a flag is one. */
export const graphemes = (text) =>
  (GRAPHEMES ? Array.from(GRAPHEMES.segment(text), ({ segment }) => segment) : [...text]);

/** Returns the number of code points of a text. */
export function lengthOf(text) {
  let pairs = 0;
  for (let at = 1; at < text.length; at += 1) {
    const isPair = (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
    if (isPair) pairs += 1;
  }
  return text.length - pairs;
}

const LETTER = /\p{L}/u;
const RTL_LETTER = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Whether the first letter of a text belongs to a script from right to left. */
export const isRtl = (text) => RTL_LETTER.test(LETTER.exec(text.slice(0, 1_000))?.[0] ?? '');

/** Returns up to `most` code points of a text. No character as users see it is
 * cut. */
export function firstOf(text, most) {
  if (text.length <= most) return text;
  // One more, to see whether the last character goes on.
  const some = [...text.slice(0, 2 * most + 2)];
  if (some.length <= most) return text;
  const whole = graphemes(some.slice(0, most + 1).join(''));
  return whole.length > 1 ? whole.slice(0, -1).join('') : some.slice(0, most).join('');
}

const QUOTES = /[\u2018-\u201b\u2032\u02b9\u02bc`\u00b4]/gu;
const DOUBLE_QUOTES = /[\u201c-\u201f\u2033«»]/gu;
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Removes differences of case, compatibility forms and quotation marks. */
export function searchKey(text) {
  const plain = text.replace(QUOTES, "'").replace(DOUBLE_QUOTES, '"').normalize('NFKD');
  // Upper case first: it expands letters such as ß.
  const folded = plain.toUpperCase().toLowerCase().replaceAll('ς', 'σ');
  return folded.normalize('NFKC').replaceAll('i\u0307', 'i').replace(IGNORABLE, '');
}

/** Returns whether each typed word is the beginning of a word of the text. */
export function fits(typed, text) {
  const key = searchKey(text);
  const words = [...key.split(/\s+/u), ...key.split(/[^\p{L}\p{N}\p{M}]+/u)];
  const sought = searchKey(typed.trim().replace(/^@/u, '')).split(/\s+/u).filter(Boolean);
  return sought.every((beginning) => words.some((word) => word.startsWith(beginning)));
}
