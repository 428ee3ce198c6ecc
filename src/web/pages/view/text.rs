//! A message's text, cut into words and links.

use linkify::{LinkFinder, LinkKind};

/// A stretch of text; a link's is where it leads, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) struct Piece<'a> {
    pub(in crate::web) text: &'a str,
    pub(in crate::web) is_link: bool,
}

/// Cuts a text at its links. Nothing is lost: the pieces together are the
/// text.
pub(in crate::web) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let spans = finder.spans(text);
    spans
        .map(|span| Piece {
            text: span.as_str(),
            is_link: span.kind().is_some() && is_of_the_web(span.as_str()),
        })
        .collect()
}

/// Other schemes could do anything on somebody's machine.
fn is_of_the_web(link: &str) -> bool {
    let scheme = link.split("://").next().unwrap_or_default();
    ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<&str> {
        let pieces = pieces(text);
        let whole: String = pieces.iter().map(|piece| piece.text).collect();
        assert_eq!(whole, text);
        let links = pieces.into_iter().filter(|piece| piece.is_link);
        links.map(|piece| piece.text).collect()
    }

    #[test]
    fn only_the_web_is_linked() {
        for (text, expected) in [
            (
                "see https://example.org/a?b=c.",
                &["https://example.org/a?b=c"][..],
            ),
            ("(HTTP://example.org)", &["HTTP://example.org"]),
            (
                "http://a.example and https://b.example",
                &["http://a.example", "https://b.example"],
            ),
            (
                "javascript:alert(1) javascript://x.example/%0aalert(1)",
                &[],
            ),
            ("data:text/html,hi file:///etc/passwd ftp://a.example", &[]),
            ("example.org ann@example.org", &[]),
            ("", &[]),
        ] {
            assert_eq!(links(text), expected, "{text}");
        }
    }

    #[test]
    fn a_link_ends_where_html_would_begin() {
        assert_eq!(
            links("https://a.example/\"onclick=x"),
            ["https://a.example/"]
        );
        assert_eq!(links("https://a.example/<b>"), ["https://a.example/"]);
    }
}
