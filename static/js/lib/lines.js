/** What somebody typed into several lines, as it is sent. */

const LINE_ENDS = ['\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029'];

/** Without blank lines at its beginning and white space at its end; the first
 * line keeps its indentation. Half of a surrogate pair, which no message can
 * hold, becomes U+FFFD. */
export function withoutMargins(text) {
  const ended = text.trimEnd();
  const lead = ended.slice(0, ended.length - ended.trimStart().length);
  const start = Math.max(...LINE_ENDS.map((end) => lead.lastIndexOf(end)));
  const kept = ended.slice(start + 1);
  return kept.toWellFormed?.() ?? kept;
}

/** The first characters of a text, up to so many, none of them cut in half. */
export function firstOf(text, most) {
  return [...text.slice(0, 2 * most)].slice(0, most).join('');
}
