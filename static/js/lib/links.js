/** A text, cut into words and links, as the server cuts it. */

const LINK = /https?:\/\/[^\s<>"'`{}|\\^]+/giu;
/** A sentence goes on after these; they belong to no address. */
const TRAILING = /[.,:;!?'"*_~]+$/u;
const PAIRS = { ')': '(', ']': '[' };

/**
 * Cuts a text at its links. Nothing is lost: the pieces together are the text.
 * @param {string} text
 * @returns {{ text: string, isLink: boolean }[]}
 */
export function pieces(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = trimmed(match[0]);
    if (!/^https?:\/\/[^/?#]/iu.test(link)) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index), isLink: false });
    found.push({ text: link, isLink: true });
    end = match.index + link.length;
  }
  if (end < text.length) found.push({ text: text.slice(end), isLink: false });
  return found;
}

/** A closing bracket that was opened before the link isn't the link's. */
function trimmed(link) {
  let rest = link;
  for (;;) {
    const before = rest;
    rest = rest.replace(TRAILING, '');
    const opening = PAIRS[rest.at(-1)];
    if (opening && count(rest, opening) < count(rest, rest.at(-1))) rest = rest.slice(0, -1);
    if (rest === before) return rest;
  }
}

const count = (text, sign) => text.split(sign).length - 1;
