//! Pages: rendered here, and complete without a script.

pub(super) mod export;
mod live;
pub(super) mod login;
pub(super) mod messages;
mod opening;
pub(super) mod people;
pub(super) mod profile;
pub(super) mod reading;
pub(super) mod refusals;
pub(super) mod register;
pub(super) mod reset;
pub(super) mod settings;
pub(super) mod view;
mod visitor;

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::accounts::LoggedIn;
use super::cookies::Jar;
use super::security_lines::note;
use super::{State, made};
use crate::auth::random;
use crate::protocol::Problem;
use crate::telemetry::LimitedLine;

/// Pages have styles, scripts and forms, all of them our own, and none of it
/// within the page; scripts talk to us alone, and make no HTML of text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Where one arrives after logging in.
const HOME: &str = "/messages";

/// What keeps a form of somebody who isn't logged in from being sent by
/// another site: a cookie, and a token that goes with it.
struct FormKey {
    cookie: String,
    token: String,
}

impl FormKey {
    /// The one the browser has, so that forms in several tabs all hold; else
    /// a new one.
    fn of(app: &State, request: &HttpRequest) -> Result<Self, Problem> {
        let cookie = match Self::cookie(app, request) {
            Some(cookie) => cookie,
            None => made::word()?,
        };
        let token = app.csrf.of_form(&cookie);
        Ok(Self { cookie, token })
    }

    /// Whether a form was sent by the page it was on.
    fn fits(app: &State, request: &HttpRequest, token: &str) -> bool {
        let cookie = Self::cookie(app, request);
        let fits = cookie.is_some_and(|cookie| app.csrf.is_of_form(&cookie, token));
        if !fits {
            note(app, request, (LimitedLine::CsrfRefused, None));
        }
        fits
    }

    /// The cookie that the browser has of us. What no form of ours has set is
    /// as good as none: it is set again, and mustn't say more than its word.
    fn cookie(app: &State, request: &HttpRequest) -> Option<String> {
        Jar::Form
            .of(request, &app.settings)
            .filter(|cookie| random::is_word(cookie))
    }
}

/// A page with a form in it.
fn form_page(
    app: &State,
    (status, key): (StatusCode, FormKey),
    page: &impl Template,
) -> Result<HttpResponse, Problem> {
    let mut response = page_as(status, page)?;
    let cookie = Jar::Form.filled(key.cookie, &app.settings);
    response.add_cookie(&cookie).map_err(|error| {
        tracing::error!(%error, "can't set a form's cookie");
        Problem::internal()
    })?;
    Ok(response)
}

/// A page, as an answer of this status.
pub(super) fn page_as(status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "can't render a page");
        Problem::internal()
    })?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// Somebody has logged in: the browser keeps that, and goes on to `next`.
fn arrived(app: &State, login: LoggedIn, next: &str) -> HttpResponse {
    let until = (login.token, login.expires_at);
    let device = app.devices.issue(login.user.id);
    let cookies = [
        Jar::Login.filled_until(until, &app.settings),
        Jar::Device.filled_for_long(device, &app.settings),
    ];
    go_on(next, cookies)
}

/// On to another page, which is asked for by `GET`.
pub(super) fn go_on(
    next: &str,
    cookies: impl IntoIterator<Item = Cookie<'static>>,
) -> HttpResponse {
    let next = if is_local(next) { next } else { HOME };
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, next));
    for cookie in cookies {
        response.cookie(cookie);
    }
    response.finish()
}

/// Whether a browser stays with us when it follows this. Browsers take a
/// backslash for a slash, leave out tabs and line ends, and take two slashes
/// for the start of a host.
fn is_local(next: &str) -> bool {
    next.starts_with('/')
        && !next.contains("//")
        && next.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

/// What is wrong with the field of that name.
pub(super) fn wrong<'a>(problem: Option<&'a Problem>, field: &str) -> Option<&'a str> {
    let mut errors = problem?.errors.iter();
    let error = errors.find(|error| error.field == field)?;
    Some(&error.detail)
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_our_own_pages_come_next() {
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
