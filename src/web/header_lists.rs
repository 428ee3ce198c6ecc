//! Headers that hold lists (RFC 9110, section 5.3): several lines with one name
//! form one list.

use actix_web::http::header::{HeaderMap, HeaderName};

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

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCEPT, CONNECTION, HeaderValue};

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
}
