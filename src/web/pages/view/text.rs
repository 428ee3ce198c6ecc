//! Splits a message's text into plain text and links.
//!
//! The client implements the same rules in `static/js/lib/links.js`, and one
//! table of cases tests both. No library exists in both languages, and a link
//! that only one of the two recognizes would change when the page's script
//! starts.

use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script, WhiteSpace,
};
use icu_properties::script::ScriptWithExtensions;
use icu_properties::{CodePointMapData, CodePointSetData};

/// The maximum length of a link, in characters; a longer one stays plain text.
const LONGEST_LINK: usize = 2_048;
const SCHEMES: [&str; 2] = ["https://", "http://"];
/// Punctuation that is cut off at the end of a link.
const TRAILING: [char; 12] = ['.', ',', ':', ';', '!', '?', '\'', '*', '_', '~', '(', '['];
/// Sets of scripts. Each label of a host name may use one set, besides
/// characters that scripts share.
const SCRIPTS: [&[Script]; 27] = [
    &[Script::Han, Script::Hiragana, Script::Katakana],
    &[Script::Han, Script::Hangul],
    &[Script::Han, Script::Bopomofo],
    &[Script::Latin],
    &[Script::Cyrillic],
    &[Script::Greek],
    &[Script::Arabic],
    &[Script::Armenian],
    &[Script::Bengali],
    &[Script::Devanagari],
    &[Script::Ethiopic],
    &[Script::Georgian],
    &[Script::Gujarati],
    &[Script::Gurmukhi],
    &[Script::Hebrew],
    &[Script::Kannada],
    &[Script::Khmer],
    &[Script::Lao],
    &[Script::Malayalam],
    &[Script::Myanmar],
    &[Script::Oriya],
    &[Script::Sinhala],
    &[Script::Tamil],
    &[Script::Telugu],
    &[Script::Thaana],
    &[Script::Thai],
    &[Script::Tibetan],
];

/// A text longer than this is folded to about [`FOLDED_EXTENT`].
const FOLD_THRESHOLD: TextExtent = TextExtent {
    signs: 1_500,
    lines: 30,
};
const FOLDED_EXTENT: TextExtent = TextExtent {
    signs: 1_000,
    lines: 20,
};
/// How far back the fold looks for white space, in characters.
const FOLD_LOOKBACK: usize = 200;

struct TextExtent {
    signs: usize,
    lines: usize,
}

/// A piece of text. The text of a link is also its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) struct TextPiece<'a> {
    pub(in crate::web) text: &'a str,
    pub(in crate::web) is_link: bool,
}

/// The pieces of a text, in two parts if it is long.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct FoldedText<'a> {
    pub(in crate::web) head: Vec<TextPiece<'a>>,
    pub(in crate::web) tail: Vec<TextPiece<'a>>,
}

/// Splits a text at its links, and folds it if it is long. No link is split.
pub(in crate::web) fn fold_text(text: &str) -> FoldedText<'_> {
    let fold = fold_offset(text).unwrap_or(text.len());
    let mut folded = FoldedText::default();
    let mut start = 0_usize;
    for piece in split_links(text) {
        let length = piece.text.len();
        let shown = if piece.is_link && start < fold {
            length
        } else {
            fold.saturating_sub(start).min(length)
        };
        let (here, below) = piece
            .text
            .split_at_checked(shown)
            .unwrap_or((piece.text, ""));
        folded.head.extend(non_empty_piece(here, piece.is_link));
        folded.tail.extend(non_empty_piece(below, piece.is_link));
        start = start.saturating_add(length);
    }
    folded
}

/// Returns where a long text is folded: after white space, if any is near.
/// `None` if the text isn't long.
fn fold_offset(text: &str) -> Option<usize> {
    let white = CodePointSetData::new::<WhiteSpace>();
    let (mut lines, mut fold, mut space) = (0, None, None);
    let mut count = 0;
    for (signs, (at, sign)) in text.char_indices().enumerate() {
        if fold.is_none() && (signs == FOLDED_EXTENT.signs || lines == FOLDED_EXTENT.lines) {
            let near = space.filter(|(_, before)| signs - before <= FOLD_LOOKBACK);
            fold = Some(near.map_or(at, |(after, _)| after));
        }
        count = signs + 1;
        lines += usize::from(sign == '\n');
        if white.contains(sign) {
            space = Some((at + sign.len_utf8(), count));
        }
    }
    fold.filter(|_| count > FOLD_THRESHOLD.signs || lines > FOLD_THRESHOLD.lines)
}

/// Splits a text at its links. The pieces together are the whole text. Each
/// character is read a constant number of times.
fn split_links(text: &str) -> Vec<TextPiece<'_>> {
    let mut pieces = Vec::new();
    let (mut end, mut from) = (0, 0);
    while let Some((start, authority)) = find_scheme(text, from) {
        let address = take_address(text.get(authority..).unwrap_or_default());
        from = authority + address.len();
        let address = address.trim_end_matches(TRAILING);
        let last = authority + address.len();
        let link = text.get(start..last).unwrap_or_default();
        if link.chars().count() > LONGEST_LINK || !is_unambiguous(address) {
            continue;
        }
        pieces.extend(
            text.get(end..start)
                .and_then(|text| non_empty_piece(text, false)),
        );
        pieces.push(TextPiece {
            text: link,
            is_link: true,
        });
        end = last;
    }
    pieces.extend(
        text.get(end..)
            .and_then(|text| non_empty_piece(text, false)),
    );
    pieces
}

fn non_empty_piece(text: &str, is_link: bool) -> Option<TextPiece<'_>> {
    (!text.is_empty()).then_some(TextPiece { text, is_link })
}

/// Returns where the next link may begin, and where its scheme ends.
fn find_scheme(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let rest = bytes.get(from..)?;
    let mut starts = rest
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'h' | b'H'));
    starts.find_map(|(at, _)| {
        let start = from + at;
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        if before.is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let begins = |scheme: &&str| {
            let found = bytes.get(start..start + scheme.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(scheme.as_bytes()))
        };
        let scheme = SCHEMES.into_iter().find(begins)?;
        Some((start, start + scheme.len()))
    })
}

/// Returns the longest prefix that can be an address. It ends before a
/// character that no address contains, or a closing bracket without an opening
/// one.
fn take_address(text: &str) -> &str {
    let (mut round, mut square) = (0_usize, 0_usize);
    let end = text.find(|sign| {
        let open = match sign {
            '(' | ')' => &mut round,
            '[' | ']' => &mut square,
            _ => return ends_link(sign),
        };
        match sign {
            '(' | '[' => *open += 1,
            _ if *open == 0 => return true,
            _ => *open -= 1,
        }
        false
    });
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

fn ends_link(sign: char) -> bool {
    sign.is_control()
        || CodePointSetData::new::<WhiteSpace>().contains(sign)
        || matches!(sign, '<' | '>' | '"' | '`' | '{' | '}' | '|' | '\\' | '^')
        || matches!(sign, '«' | '»' | '‘'..='‟' | '‹' | '›' | '…' | '、' | '。')
        || matches!(sign, '〈'..='】' | '〔'..='〟' | '！' | '（' | '）' | '，')
        || matches!(sign, '：' | '；' | '？' | '｛' | '｝' | '｡'..='､')
}

/// Returns whether an address leads to where it appears to lead. It must have a
/// host with one script in each label, no user name before the host, and no
/// invisible characters.
fn is_unambiguous(address: &str) -> bool {
    let hidden = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
    is_host(authority)
        && authority.split('.').all(is_of_one_script)
        && !address.chars().any(|sign| hidden.contains(sign))
}

/// Returns whether this is a host name or an IP address, with or without a
/// port.
fn is_host(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = |port: &str| {
        (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !port.is_none_or(is_port) {
        return false;
    }
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if let Some(address) = inside {
        let is_fine = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        return !address.is_empty() && address.bytes().all(is_fine);
    }
    let letters = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number);
    let all = letters.union(GeneralCategoryGroup::Mark);
    let category = |sign| CodePointMapData::<GeneralCategory>::new().get(sign);
    let is_fine = |sign| matches!(sign, '_' | '.' | '-') || all.contains(category(sign));
    host.chars().all(is_fine) && host.chars().any(|sign| letters.contains(category(sign)))
}

fn is_of_one_script(label: &str) -> bool {
    let scripts = ScriptWithExtensions::new();
    let shared = [Script::Common, Script::Inherited];
    SCRIPTS.iter().any(|known| {
        label.chars().all(|sign| {
            let mut known = known.iter().chain(&shared);
            known.any(|script| scripts.has_script(sign, *script))
        })
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct LinkCase {
        text: String,
        links: Vec<String>,
    }

    fn links(text: &str) -> Vec<&str> {
        let pieces = split_links(text);
        assert_eq!(joined(&pieces), text);
        let links = pieces.into_iter().filter(|piece| piece.is_link);
        links.map(|piece| piece.text).collect()
    }

    fn joined(pieces: &[TextPiece<'_>]) -> String {
        pieces.iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn links_match_shared_table() {
        let table = include_str!("../../../../tests/fixtures/links.json");
        let cases: Vec<LinkCase> = serde_json::from_str(table).unwrap();
        for LinkCase {
            text,
            links: expected,
        } in &cases
        {
            assert_eq!(&links(text), expected, "{text}");
        }
    }

    #[test]
    fn link_of_2049_characters_is_plain() {
        let start = "https://a.example/";
        let most = format!("{start}{}", "x".repeat(LONGEST_LINK - start.len()));
        assert_eq!(links(&format!("see {most}.")), [most.as_str()]);
        assert_eq!(links(&format!("see {most}x.")), [""; 0]);
        let other = format!("{most}x https://b.example/");
        assert_eq!(links(&other), ["https://b.example/"]);
    }

    #[test]
    fn long_text_folds_at_white_space() {
        let head = |text: &str| {
            let folded = fold_text(text);
            let (head, tail) = (joined(&folded.head), joined(&folded.tail));
            assert_eq!(format!("{head}{tail}"), text);
            head
        };
        assert_eq!(head(&"word ".repeat(300)), "word ".repeat(300));
        assert_eq!(head(&"word ".repeat(301)), "word ".repeat(200));
        assert_eq!(head(&"one\n".repeat(31)), "one\n".repeat(20));
        assert_eq!(head(&"é".repeat(1_501)), "é".repeat(1_000));
    }

    #[test]
    fn fold_never_splits_link() {
        let link = format!("https://a.example/{}", "x".repeat(1_000));
        let text = format!("{} {link} {}", "y".repeat(400), "z".repeat(500));
        let folded = fold_text(&text);
        assert_eq!(folded.head.last().map(|it| it.text), Some(link.as_str()));
        assert_eq!(joined(&folded.tail), format!(" {}", "z".repeat(500)));
    }
}
