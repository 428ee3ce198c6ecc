/** Drawn faces, as the server draws them: initials on one of twelve hues. */

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
