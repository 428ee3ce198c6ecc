//! Headers that hold lists (RFC 9110, section 5.3): several lines with one name
//! form one list.

use actix_web::http::header::{ACCEPT, HeaderMap, HeaderName};

/// Returns the items of all lines, in order and trimmed. A line that is not
/// text is skipped.
pub(super) fn list_items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Returns whether `Accept` names HTML (RFC 9110, section 12.5.1).
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    list_items(headers, ACCEPT).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts
            .next()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        is_html && !parts.any(is_zero_quality)
    })
}

/// Returns whether a parameter is a quality of zero.
fn is_zero_quality(parameter: &str) -> bool {
    let weight = parameter.strip_prefix(['q', 'Q']);
    let weight = weight.and_then(|rest| rest.trim_start().strip_prefix('='));
    weight.and_then(|weight| weight.trim().parse().ok()) == Some(0.0_f32)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{CONNECTION, HeaderValue};

    use super::*;

    #[test]
    fn header_lines_form_one_list() {
        let mut headers = HeaderMap::new();
        for line in ["a, b;q=0.5 ", "", ",c,,"] {
            headers.append(ACCEPT, line.parse().unwrap());
        }
        headers.append(ACCEPT, HeaderValue::from_bytes(b"\xff, e").unwrap());
        headers.append(ACCEPT, "f".parse().unwrap());
        let found: Vec<_> = list_items(&headers, ACCEPT).collect();
        assert_eq!(found, ["a", "b;q=0.5", "c", "f"]);
        assert_eq!(list_items(&headers, CONNECTION).count(), 0);
    }

    #[test]
    fn page_requires_html_in_accept() {
        for (accept, takes) in [
            ("text/html", true),
            ("application/json, TEXT/HTML;charset=utf-8;q=0.1", true),
            ("text/html;q=0", false),
            ("text/html; q=0.000, */*", false),
            ("text/html;q=0, text/html", true),
            ("text/htmlx", false),
            ("*/*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(accepts_html(&headers), takes, "{accept:?}");
        }
    }
}
