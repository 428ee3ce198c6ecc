//! The pages, rendered on the server. Without a script, users can read, write and
//! change their settings.

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

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::accounts::LoginResponse;
use super::cookies::CookieKind;
use super::rendering::{redirect_to, render_template};
use super::security_log::log_event;
use super::{AppState, csrf, tokens};
use crate::auth::random;
use crate::protocol::Problem;
use crate::telemetry::LimitedLine;

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
        log_event(app, request, LimitedLine::CsrfRefused, None);
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
    status: StatusCode,
    key: FormCsrfKey,
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

/// Sets the cookies of a new login and redirects to `next`.
fn finish_login(app: &AppState, login: LoginResponse, next: &str) -> HttpResponse {
    let device = app.devices.issue(login.user.id);
    let cookies = [
        CookieKind::Login.build_until(login.token, login.expires_at, &app.settings),
        CookieKind::Device.build_persistent(device, &app.settings),
    ];
    redirect_to(next, cookies)
}
