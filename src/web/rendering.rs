//! Responses that are pages, and redirects to pages.

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::{StatusCode, header};
use askama::Template;

use crate::protocol::Problem;

/// The content security policy of pages. Styles, scripts and forms come only
/// from this server, and none are inline. Scripts connect only to this server,
/// and can't create HTML from text.
pub(super) const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page after a login.
pub(super) const HOME_PATH: &str = "/messages";

/// Renders a page with this status.
pub(super) fn render_template(
    status: StatusCode,
    page: &impl Template,
) -> Result<HttpResponse, Problem> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "can't render a page");
        Problem::internal()
    })?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// Redirects to another page, which the browser loads by `GET`.
pub(super) fn redirect_to(
    next: &str,
    cookies: impl IntoIterator<Item = Cookie<'static>>,
) -> HttpResponse {
    let next = if is_local(next) { next } else { HOME_PATH };
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, next));
    for cookie in cookies {
        response.cookie(cookie);
    }
    response.finish()
}

/// Returns whether `next` is on this server. Browsers read a backslash as a
/// slash, drop tabs and line breaks, and take two slashes for the start of a
/// host.
fn is_local(next: &str) -> bool {
    next.starts_with('/')
        && !next.contains("//")
        && next.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

/// Returns the error of the field with this name.
pub(super) fn field_error<'a>(problem: Option<&'a Problem>, field: &str) -> Option<&'a str> {
    let mut errors = problem?.errors.iter();
    let error = errors.find(|error| error.field == field)?;
    Some(&error.detail)
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn redirect_targets_are_local() {
        for next in ["/messages", "/messages?conversation=7", "/"] {
            assert!(is_local(next), "{next}");
        }
        for next in [
            "",
            "messages",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "/a//b",
            "/a\r\nSet-Cookie: x",
            "/é",
        ] {
            assert!(!is_local(next), "{next}");
        }
    }
}
