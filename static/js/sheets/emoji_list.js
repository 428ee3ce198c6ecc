/** The list of all emoji, and the search in it. */
import { keep, kept } from '../lib/kept.js';

/** No tone, then the five of Unicode from light to dark. */
export const TONES = ['', '🏻', '🏼', '🏽', '🏾', '🏿'];

const RECENT = 'emoji';
const RECENT_MOST = 16;

/** @type {Promise<Shelf[]> | null} */
let all = null;

/**
 * @typedef {{ sign: string, words: string, all?: string[] }} Emoji `all` has
 *   the forms without and with each skin tone
 * @typedef {{ name: string, emoji: Emoji[] }} Shelf a group of emoji
 */

/** Returns every emoji by group, as the server has them; fetched once. */
export function allEmoji() {
  all ??= load().catch((error) => {
    all = null;
    throw error;
  });
  return all;
}

async function load() {
  // Relative to this module's URL, and so of the same version.
  const response = await fetch(new URL('../../emoji.json', import.meta.url));
  if (!response.ok) throw new Error(`The emoji could not be loaded: ${response.status}`);
  const shelves = await response.json();
  return shelves.map(({ name, emoji }) =>
    ({ name, emoji: emoji.map(([sign, words, tones = []]) => ({ sign, words, all: [sign, ...tones] })) }));
}

/** Returns the groups with each emoji in a skin tone, if it has one.
 * @param {Shelf[]} shelves @param {number} tone an index of `TONES` */
export const toned = (shelves, tone) => shelves.map(({ name, emoji }) =>
  ({ name, emoji: emoji.map((one) => ({ ...one, sign: one.all[tone] ?? one.sign })) }));

/** Returns the last used emoji, newest first. */
export function recent() {
  const found = kept(RECENT, []);
  return Array.isArray(found) ? found.filter((sign) => typeof sign === 'string') : [];
}

export function used(sign) {
  const before = recent().filter((other) => other !== sign);
  keep(RECENT, [sign, ...before].slice(0, RECENT_MOST));
}

/**
 * Returns the groups with matching emoji: each typed word begins one of the
 * emoji's words. Without words, all groups, after one of the last used emoji.
 * @param {Shelf[]} shelves @param {string} typed @param {string[]} lately
 */
export function sought(shelves, typed, lately) {
  const parts = typed.toLowerCase().split(/\s+/u).filter(Boolean);
  if (parts.length === 0) {
    const known = new Map(shelves.flatMap(({ emoji }) => emoji).flatMap((one) =>
      (one.all ?? [one.sign]).map((sign) => [sign, { ...one, sign }])));
    const last = lately.map((sign) => known.get(sign)).filter(Boolean);
    return last.length ? [{ name: 'Recently used', emoji: last }, ...shelves] : shelves;
  }
  const fits = ({ words }) => {
    const own = words.split(/[^\p{L}\p{N}]+/u);
    return parts.every((part) => own.some((word) => word.startsWith(part)));
  };
  return shelves
    .map(({ name, emoji }) => ({ name, emoji: emoji.filter(fits) }))
    .filter(({ emoji }) => emoji.length > 0);
}

/**
 * Returns the place that an arrow key leads to, row by row through groups of
 * these sizes; null above the first row, the same place at the end.
 * @param {number[]} sizes @param {[number, number]} place @param {string} key
 */
export function beside(sizes, [shelf, at], key, columns) {
  const size = sizes[shelf];
  const column = at % columns;
  switch (key) {
    case 'ArrowRight':
      if (at + 1 < size) return [shelf, at + 1];
      return shelf + 1 < sizes.length ? [shelf + 1, 0] : [shelf, at];
    case 'ArrowLeft':
      if (at > 0) return [shelf, at - 1];
      return shelf > 0 ? [shelf - 1, sizes[shelf - 1] - 1] : null;
    case 'ArrowDown': {
      if (at + columns < size) return [shelf, at + columns];
      // The last row may be shorter than this one.
      if (at - column + columns < size) return [shelf, size - 1];
      return shelf + 1 < sizes.length
        ? [shelf + 1, Math.min(column, sizes[shelf + 1] - 1)] : [shelf, at];
    }
    case 'ArrowUp': {
      if (at >= columns) return [shelf, at - columns];
      if (shelf === 0) return null;
      const above = sizes[shelf - 1];
      const start = above - 1 - ((above - 1) % columns);
      return [shelf - 1, Math.min(start + column, above - 1)];
    }
    default:
      return [shelf, at];
  }
}
