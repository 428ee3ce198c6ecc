//! Refusals as pages, for people.
//!
//! Programs are told by `application/problem+json`, and so are browsers'
//! scripts; only where a browser asks for a page does it get one.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use askama::Template;

use super::POLICY;
use crate::protocol::{Code, Problem};
use crate::web::{assets, lists, problem};

/// What no page is below.
const NO_PAGES: [&str; 5] = ["/api", "/ws", "/static", "/healthz", "/metrics"];

#[derive(Template)]
#[template(path = "refusal.html")]
struct Page<'a> {
    csrf_token: &'a str,
    title: &'a str,
    detail: &'a str,
}

/// Shows a refusal to whoever waits for a page.
pub async fn show_refusals(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_for_a_page = is_for_a_page(&request);
    let response = next.call(request).await?;
    let found = problem::of(response.response());
    let page = found.filter(|_| is_for_a_page).and_then(|it| page(&it));
    Ok(match page {
        None => response.map_into_left_body(),
        Some(html) => shown(response, html).map_into_right_body(),
    })
}

fn shown<B>(response: ServiceResponse<B>, html: String) -> ServiceResponse<String> {
    let mut response = response.map_body(|_, _| html);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(POLICY),
    );
    response
}

fn is_for_a_page(request: &ServiceRequest) -> bool {
    let path = request.path();
    let is_below = |root: &str| {
        let rest = path.strip_prefix(root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    accepts_html(request.headers()) && !NO_PAGES.iter().any(|root| is_below(root))
}

/// Whether it names a page among what it takes (RFC 9110, section 12.5.1).
pub(in crate::web) fn accepts_html(headers: &header::HeaderMap) -> bool {
    lists::items(headers, header::ACCEPT).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts
            .next()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        is_html && !parts.any(is_none_of_it)
    })
}

/// Whether a parameter says that this is not taken.
fn is_none_of_it(parameter: &str) -> bool {
    let weight = parameter.strip_prefix(['q', 'Q']);
    let weight = weight.and_then(|rest| rest.trim_start().strip_prefix('='));
    weight.and_then(|weight| weight.trim().parse().ok()) == Some(0.0_f32)
}

/// None where it can't be rendered: the problem itself still tells.
fn page(problem: &Problem) -> Option<String> {
    let title = match problem.code {
        Code::NotFound => "There is nothing here",
        Code::CsrfFailed => "This page was too old",
        Code::Internal => "Something went wrong",
        Code::Busy | Code::Unavailable => "Not just now",
        Code::RateLimited => "One moment",
        code => code.title(),
    };
    let detail = match problem.code {
        Code::NotFound => "It may have gone, or the address may have a slip in it.",
        Code::CsrfFailed => "Go back, reload the page, and send it again.",
        Code::Internal => "It is our fault, and it is in our log. Try again in a while.",
        _ => &problem.detail,
    };
    let page = Page {
        csrf_token: "",
        title,
        detail,
    };
    page.render()
        .inspect_err(|error| tracing::error!(%error, "can't render a page"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_for_whoever_takes_one() {
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
            let mut headers = header::HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(accepts_html(&headers), takes, "{accept:?}");
        }
    }
}
