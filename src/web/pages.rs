//! The pages, rendered on the server. Without a script, users can read, write and
//! change their settings.

pub(super) mod error_pages;
pub(super) mod export;
mod initial_state;
pub(super) mod login;
pub(super) mod messages;
mod page_login;
pub(super) mod people;
pub(super) mod profile;
pub(super) mod read_marker;
pub(super) mod register;
pub(super) mod reset;
pub(super) mod settings;
mod thread_loader;
pub(super) mod view;

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::accounts::LoginResponse;
use super::cookies::CookieKind;
use super::security_log::log_event;
use super::{AppState, csrf, tokens};
use crate::auth::random;
use crate::protocol::Problem;
use crate::telemetry::LimitedLine;

/// The content security policy of pages. Styles, scripts and forms come only
/// from this server, and none are inline. Scripts connect only to this server,
/// and can't create HTML from text.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page after a login.
const HOME_PATH: &str = "/messages";

/// CSRF protection for forms without a login: a cookie, and a token derived
/// from it. Another site knows no valid token, so it can't send such a form.
struct FormCsrfKey {
    cookie: String,
    token: String,
}

impl FormCsrfKey {
    /// Returns the browser's key, so that forms in several tabs stay valid, or
    /// creates one.
    fn load_or_create(app: &AppState, request: &HttpRequest) -> Result<Self, Problem> {
        let cookie = match Self::read_cookie(app, request) {
            Some(cookie) => cookie,
            None => tokens::generate_token()?,
        };
        let token = app.csrf.issue_for_form(&cookie);
        Ok(Self { cookie, token })
    }

    /// Checks that the form's token matches the browser's cookie.
    ///
    /// # Errors
    ///
    /// `csrf_failed`. Without a cookie, the browser refuses cookies: each page
    /// with a form sets one.
    fn verify(app: &AppState, request: &HttpRequest, token: &str) -> Result<(), Problem> {
        let cookie = Self::read_cookie(app, request);
        if cookie.is_some_and(|cookie| app.csrf.verify_for_form(&cookie, token)) {
            return Ok(());
        }
        log_event(app, request, (LimitedLine::CsrfRefused, None));
        match CookieKind::Form.read(request, &app.settings) {
            Some(_) => Err(csrf::csrf_failed()),
            None => Err(csrf::cookie_missing()),
        }
    }

    /// Returns the browser's cookie. A cookie without the form of our tokens is
    /// ignored and replaced: its text must not get into our `Set-Cookie`.
    fn read_cookie(app: &AppState, request: &HttpRequest) -> Option<String> {
        CookieKind::Form
            .read(request, &app.settings)
            .filter(|cookie| random::is_token_shaped(cookie))
    }
}

/// Renders a page with a form, and sets the form's cookie.
fn render_form(
    app: &AppState,
    (status, key): (StatusCode, FormCsrfKey),
    page: &impl Template,
) -> Result<HttpResponse, Problem> {
    let mut response = render_template(status, page)?;
    let cookie = CookieKind::Form.build(key.cookie, &app.settings);
    response.add_cookie(&cookie).map_err(|error| {
        tracing::error!(%error, "can't set a form's cookie");
        Problem::internal()
    })?;
    Ok(response)
}

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

/// Sets the cookies of a new login and redirects to `next`.
fn finish_login(app: &AppState, login: LoginResponse, next: &str) -> HttpResponse {
    let until = (login.token, login.expires_at);
    let device = app.devices.issue(login.user.id);
    let cookies = [
        CookieKind::Login.build_until(until, &app.settings),
        CookieKind::Device.build_persistent(device, &app.settings),
    ];
    redirect_to(next, cookies)
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
