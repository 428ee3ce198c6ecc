//! Splits a message's text into plain text and links.
//!
//! The client implements the same rules in `static/js/lib/links.js`, and one
//! table of cases tests both. No library exists in both languages, and a link
//! that only one of the two recognizes would change when the page's script
//! starts.

use icu_properties::CodePointSetData;
use icu_properties::props::WhiteSpace;

use super::hosts::{has_named_host, is_host_sign, is_letter, is_unambiguous};

/// The maximum length of a link, in characters; a longer one stays plain text.
const LONGEST_LINK: usize = 2_048;
const HTTPS: &str = "https://";
const SCHEMES: [&str; 2] = [HTTPS, "http://"];
/// The beginning of an address without a scheme.
const WWW: &str = "www.";
/// The maximum length of the part of a mail address before its sign.
const LONGEST_LOCAL_PART: usize = 64;
/// Punctuation that is cut off at the end of a link.
const TRAILING: [char; 12] = ['.', ',', ':', ';', '!', '?', '\'', '*', '_', '~', '(', '['];
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

/// A piece of text. The target of a link is its prefix and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) struct TextPiece<'a> {
    pub(in crate::web) text: &'a str,
    pub(in crate::web) is_link: bool,
    pub(in crate::web) prefix: &'static str,
}

/// The scheme of a mail address.
const MAIL: &str = "mailto:";

impl TextPiece<'_> {
    /// Returns whether this is the link of a page, which opens a new tab.
    pub(in crate::web) fn is_page(&self) -> bool {
        self.prefix != MAIL
    }
}

/// Where a link or a rejected address begins and ends in the text.
struct LinkSpan {
    start: usize,
    end: usize,
    /// What the text lacks to be a URL; `None` if the address is rejected.
    prefix: Option<&'static str>,
    /// Where the search for the next link continues.
    next: usize,
}

/// What a link begins with, or the sign in a mail address.
#[derive(Clone, Copy)]
enum LinkMark {
    Scheme(usize),
    Www,
    MailSign,
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
        let part = |text| (!str::is_empty(text)).then_some(TextPiece { text, ..piece });
        folded.head.extend(part(here));
        folded.tail.extend(part(below));
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
    while let Some((at, mark)) = find_mark(text, from) {
        let span = match mark {
            LinkMark::Scheme(length) => read_page(text, at, length),
            LinkMark::Www => read_page(text, at, 0),
            LinkMark::MailSign => read_mail(text, at, from),
        };
        from = span.next;
        let Some(prefix) = span.prefix else {
            continue;
        };
        pieces.extend(text.get(end..span.start).and_then(plain_piece));
        pieces.push(TextPiece {
            text: text.get(span.start..span.end).unwrap_or_default(),
            is_link: true,
            prefix,
        });
        end = span.end;
    }
    pieces.extend(text.get(end..).and_then(plain_piece));
    pieces
}

fn plain_piece(text: &str) -> Option<TextPiece<'_>> {
    (!text.is_empty()).then_some(TextPiece {
        text,
        is_link: false,
        prefix: "",
    })
}

/// Returns where the next link may begin, or the next sign of a mail address.
fn find_mark(text: &str, from: usize) -> Option<(usize, LinkMark)> {
    let bytes = text.as_bytes();
    let rest = bytes.get(from..)?;
    let mut starts = rest
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'h' | b'H' | b'w' | b'W' | b'@'));
    starts.find_map(|(at, byte)| {
        let start = from + at;
        if *byte == b'@' {
            return Some((start, LinkMark::MailSign));
        }
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        if before.is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let begins = |word: &str| {
            let found = bytes.get(start..start + word.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
        };
        let is_inside = before.is_some_and(|byte| b"@./_-".contains(byte));
        if begins(WWW) && !is_inside {
            return Some((start, LinkMark::Www));
        }
        let scheme = SCHEMES.into_iter().find(|scheme| begins(scheme))?;
        Some((start, LinkMark::Scheme(scheme.len())))
    })
}

/// Reads the address of a page. Without a scheme, its host must have a name.
fn read_page(text: &str, start: usize, scheme: usize) -> LinkSpan {
    let authority = start + scheme;
    let whole = take_address(text.get(authority..).unwrap_or_default());
    let address = whole.trim_end_matches(TRAILING);
    let end = authority + address.len();
    let link = text.get(start..end).unwrap_or_default();
    let is_complete = scheme > 0 || has_named_host(address.get(WWW.len()..).unwrap_or_default());
    let is_link = link.chars().count() <= LONGEST_LINK && is_complete && is_unambiguous(address);
    LinkSpan {
        start,
        end,
        prefix: is_link.then_some(if scheme > 0 { "" } else { HTTPS }),
        next: authority + whole.len(),
    }
}

/// Reads the mail address around the sign at `at`, but nothing before `from`.
fn read_mail(text: &str, at: usize, from: usize) -> LinkSpan {
    let before = text.get(from..at).unwrap_or_default();
    let length = before
        .bytes()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b".+_-".contains(byte))
        .count();
    let start = at - length;
    let local = text.get(start..at).unwrap_or_default();
    let rest = text.get(at + 1..).unwrap_or_default();
    let stop = rest.find(|sign| !is_host_sign(sign)).unwrap_or(rest.len());
    let (host, after) = rest.split_at_checked(stop).unwrap_or((rest, ""));
    let host = host.trim_end_matches(TRAILING);
    let previous = text.get(..start).and_then(|text| text.chars().next_back());
    let is_part = previous.is_some_and(|sign| matches!(sign, '@' | '/') || is_letter(sign));
    let is_local = (1..=LONGEST_LOCAL_PART).contains(&length)
        && !local.starts_with('.')
        && !local.ends_with('.');
    let is_mail = is_local
        && !is_part
        && !after.starts_with('@')
        && is_unambiguous(host)
        && has_named_host(host);
    LinkSpan {
        start,
        end: at + 1 + host.len(),
        prefix: is_mail.then_some(MAIL),
        next: at + 1 + stop,
    }
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
    fn link_targets_complete_typed_text() {
        let pieces = split_links("HTTP://a.example www.b.example/x ann@c.example");
        let links = pieces.iter().filter(|piece| piece.is_link);
        let targets: Vec<String> = links
            .map(|link| format!("{}{}", link.prefix, link.text))
            .collect();
        let expected = [
            "HTTP://a.example",
            "https://www.b.example/x",
            "mailto:ann@c.example",
        ];
        assert_eq!(targets, expected);
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
