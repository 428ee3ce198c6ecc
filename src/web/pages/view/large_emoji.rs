//! Recognizes messages of few emoji, which pages show large.

use icu_properties::CodePointSetData;
use icu_properties::props::{Emoji, EmojiComponent, EmojiPresentation, RegionalIndicator};
use unicode_segmentation::UnicodeSegmentation as _;

/// The most emoji that are shown large.
const MOST: usize = 3;
/// The most code points that these emoji have.
const MOST_CODES: usize = 48;
const EMOJI_SELECTOR: char = '\u{fe0f}';

/// Returns whether a text is one to three emoji, with or without spaces. The
/// client has the same rule in `static/js/lib/emoji.js`, and one table of cases
/// tests both.
pub(super) fn is_large_emoji(text: &str) -> bool {
    let signs = || text.chars().filter(|sign| *sign != ' ');
    let (emoji, component) = (
        CodePointSetData::new::<Emoji>(),
        CodePointSetData::new::<EmojiComponent>(),
    );
    let mut first = signs().take(MOST_CODES + 1);
    let are_parts = first.all(|sign| emoji.contains(sign) || component.contains(sign));
    if !are_parts || signs().nth(MOST_CODES).is_some() {
        return false;
    }
    let bare: String = signs().collect();
    let count = bare.graphemes(true).count();
    (1..=MOST).contains(&count) && bare.graphemes(true).all(is_emoji)
}

/// Returns whether a grapheme is a flag of two letters, or a sign that is drawn
/// as an emoji by itself or by a variation selector.
fn is_emoji(grapheme: &str) -> bool {
    let letter = CodePointSetData::new::<RegionalIndicator>();
    let mut signs = grapheme.chars();
    let Some(first) = signs.next() else {
        return false;
    };
    let second = signs.next();
    if letter.contains(first) {
        return second.is_some_and(|sign| letter.contains(sign)) && signs.next().is_none();
    }
    CodePointSetData::new::<EmojiPresentation>().contains(first)
        || (second == Some(EMOJI_SELECTOR) && CodePointSetData::new::<Emoji>().contains(first))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct EmojiCase {
        text: String,
        is_large: bool,
    }

    #[test]
    fn large_emoji_match_shared_table() {
        let table = include_str!("../../../../tests/fixtures/large_emoji.json");
        let cases: Vec<EmojiCase> = serde_json::from_str(table).unwrap();
        for EmojiCase { text, is_large } in &cases {
            assert_eq!(is_large_emoji(text), *is_large, "{text:?}");
        }
        assert!(!is_large_emoji(&"😀".repeat(10_000)));
    }
}
