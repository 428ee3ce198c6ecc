//! Errors as HTML pages.
//!
//! Programs and scripts get `application/problem+json`. Only a browser that
//! navigates to a page gets HTML.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use askama::Template;

use crate::protocol::{ErrorCode, Problem};
use crate::web::header_lists::accepts_html;
use crate::web::rendering::CONTENT_POLICY;
use crate::web::{assets, problem};

/// The paths below which there are no pages.
const PATHS_WITHOUT_PAGES: [&str; 5] = ["/api", "/ws", "/static", "/healthz", "/metrics"];

#[derive(Template)]
#[template(path = "refusal.html")]
struct ErrorPage<'a> {
    csrf_token: &'a str,
    title: &'a str,
    detail: &'a str,
}

/// Middleware: turns an error into a page if the client accepts HTML.
pub(in crate::web) async fn show_error_pages(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_for_a_page = wants_page(&request);
    let response = next.call(request).await?;
    let found = problem::find_problem(response.response());
    let page = found
        .filter(|_| is_for_a_page)
        .and_then(|it| render_page(&it));
    Ok(match page {
        None => response.map_into_left_body(),
        Some(html) => replace_body(response, html).map_into_right_body(),
    })
}

fn replace_body<B>(response: ServiceResponse<B>, html: String) -> ServiceResponse<String> {
    let mut response = response.map_body(|_, _| html);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(CONTENT_POLICY),
    );
    response
}

fn wants_page(request: &ServiceRequest) -> bool {
    let path = request.path();
    let is_below = |root: &str| {
        let rest = path.strip_prefix(root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    accepts_html(request.headers()) && !PATHS_WITHOUT_PAGES.iter().any(|root| is_below(root))
}

/// Returns `None` if rendering fails; the client then gets the problem as JSON.
fn render_page(problem: &Problem) -> Option<String> {
    let title = match problem.code {
        ErrorCode::NotFound => "Page not found",
        ErrorCode::CsrfFailed => "This page has expired",
        ErrorCode::Internal => "Something went wrong",
        ErrorCode::Busy | ErrorCode::Unavailable => "Temporarily unavailable",
        ErrorCode::RateLimited => "Too many requests",
        code => code.title(),
    };
    let detail = match problem.code {
        ErrorCode::NotFound => "This page doesn’t exist, or you don’t have access to it.",
        ErrorCode::CsrfFailed => "Go back, reload the page, and try again.",
        ErrorCode::Internal => {
            "The server couldn’t complete the request. The error is in its log. Try again later."
        }
        _ => &problem.detail,
    };
    let page = ErrorPage {
        csrf_token: "",
        title,
        detail,
    };
    page.render()
        .inspect_err(|error| tracing::error!(%error, "can't render a page"))
        .ok()
}
