/** Emoji as reactions, and messages of few emoji. */
import { graphemes } from './text.js';

export const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🙏'];

/** The most emoji that are shown large, and the most code points they have. */
const MOST = 3;
const MOST_CODES = 48;
const PARTS = /^[\p{Emoji}\p{Emoji_Component}]+$/u;
/** A flag of two letters, or a sign that is drawn as an emoji by itself or by a
 * variation selector. */
const EMOJI = /^(?:\p{RI}{2}$|(?!\p{RI})\p{Emoji_Presentation}|\p{Emoji}\ufe0f)/u;

/** Returns whether a text is one to three emoji, with or without spaces. The
 * server has the same rule in `web/pages/view/large_emoji.rs`. */
export function isLarge(text) {
  const bare = text.replaceAll(' ', '');
  if (bare.length > 2 * MOST_CODES || [...bare].length > MOST_CODES || !PARTS.test(bare)) return false;
  const signs = graphemes(bare);
  return signs.length <= MOST && signs.every((sign) => EMOJI.test(sign));
}
