//! Authentication: finds the login of a request.
//!
//! The first token that is present decides:
//!
//! 1. `Authorization: Bearer`
//! 2. for a WebSocket, whose headers browsers can't set, the subprotocol offer
//!    `tidings.v1, bearer.<jwt>`
//! 3. a ticket in `?token=`, also for a WebSocket only
//! 4. the cookie that the pages' forms set
//!
//! Browsers send the cookie by themselves. A request with it has to prove that
//! it comes from our pages (see [`csrf`]).

mod handshake_login;

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use entity::{Millis, UserId};
use tokio::time::Instant;

use super::cookies::CookieKind;
use super::security_log::log_event;
use super::{AppData, AppState, csrf};
use crate::auth::TicketHolder;
use crate::engine::rates::DatabasePayer;
use crate::protocol::{ErrorCode, Problem};
use crate::store::ActiveLogin;
use crate::telemetry::LimitedLine;
pub(super) use handshake_login::{authenticate_admin_handshake, authenticate_handshake};

/// The login of a request. A handler with this argument requires a login.
pub(super) struct Authenticated(pub(super) ActiveLogin);

/// The login of an admin. Other users get 404.
pub(super) struct AdminLogin(pub(super) ActiveLogin);

/// A token, by how it was sent.
enum RequestToken {
    /// Sent by the client deliberately.
    Bearer(String),
    /// In a URL, and valid once.
    Ticket(String),
    /// Sent by the browser automatically.
    Cookie(String),
}

/// The result of [`record_outcome`], kept with the request.
struct AuthOutcome(Result<ActiveLogin, AuthRefusal>);

/// The reason for a rejection. `is_admin` means that an admin's login is valid
/// and only the CSRF check failed.
#[derive(Clone)]
struct AuthRefusal {
    problem: Problem,
    is_admin: bool,
}

impl From<Problem> for AuthRefusal {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            is_admin: false,
        }
    }
}

impl AuthRefusal {
    /// Returns whether the caller is at fault and not the server.
    fn is_caller_fault(&self) -> bool {
        matches!(
            self.problem.code,
            ErrorCode::Unauthenticated | ErrorCode::CsrfFailed | ErrorCode::BadOrigin
        )
    }
}

/// Returns the payer of a request's database statements.
pub(super) fn database_payer(request: &HttpRequest) -> Option<Arc<DatabasePayer>> {
    request.extensions().get::<Arc<DatabasePayer>>().cloned()
}

fn auth_outcome(request: &HttpRequest) -> Result<ActiveLogin, AuthRefusal> {
    let extensions = request.extensions();
    let found = extensions.get::<AuthOutcome>();
    found.map_or_else(
        || Err(Problem::internal().into()),
        |AuthOutcome(found)| found.clone(),
    )
}

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            auth_outcome(request)
                .map(Self)
                .map_err(|refused| refused.problem),
        )
    }
}

impl FromRequest for AdminLogin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match auth_outcome(request) {
            Ok(login) if login.user.is_admin => Ok(Self(login)),
            Ok(_) => Err(Problem::not_found()),
            Err(refused) if refused.is_caller_fault() && !refused.is_admin => {
                Err(Problem::not_found())
            }
            Err(refused) => Err(refused.problem),
        })
    }
}

/// A login before the CSRF check, which only a cookie login needs.
pub(super) struct UncheckedLogin {
    pub(super) login: ActiveLogin,
    is_cookie: bool,
}

/// Returns the login of a request by its token, before the CSRF check.
pub(super) async fn authenticate_request(request: &HttpRequest) -> Result<UncheckedLogin, Problem> {
    let app = request
        .app_data::<AppData>()
        .ok_or_else(Problem::internal)?;
    let given = bearer_token(request).map(|token| RequestToken::Bearer(token.to_owned()));
    let (token, is_cookie) = match or_cookie_token(app, request, given) {
        None => return Err(unauthenticated()),
        Some(RequestToken::Bearer(token) | RequestToken::Ticket(token)) => (token, false),
        Some(RequestToken::Cookie(token)) => (token, true),
    };
    let login = check_token(app, request, &token).await?;
    Ok(UncheckedLogin { login, is_cookie })
}

/// Checks the CSRF token of a cookie login, and keeps the outcome with the
/// request.
pub(super) async fn record_outcome(
    request: &mut ServiceRequest,
    seen: Result<UncheckedLogin, Problem>,
) {
    let found = check_page_token(request, seen).await;
    request.extensions_mut().insert(AuthOutcome(found));
}

/// Rejects a cookie login without a valid CSRF token.
async fn check_page_token(
    request: &mut ServiceRequest,
    seen: Result<UncheckedLogin, Problem>,
) -> Result<ActiveLogin, AuthRefusal> {
    let UncheckedLogin { login, is_cookie } = seen?;
    if !is_cookie {
        return Ok(login);
    }
    let app = request.app_data::<AppData>().cloned();
    let app = app.ok_or_else(Problem::internal)?;
    match csrf::check_token(&app, request, login.id).await {
        Ok(()) => Ok(login),
        Err(problem) => {
            if problem.code == ErrorCode::CsrfFailed {
                let account = Some(&*login.user.username);
                log_event(&app, request.request(), LimitedLine::CsrfRefused, account);
            }
            Err(AuthRefusal {
                problem,
                is_admin: login.user.is_admin,
            })
        }
    }
}

fn or_cookie_token(
    app: &AppState,
    request: &HttpRequest,
    given: Option<RequestToken>,
) -> Option<RequestToken> {
    let cookie = || {
        CookieKind::Login
            .read(request, &app.settings)
            .map(RequestToken::Cookie)
    };
    given.or_else(cookie)
}

async fn check_ticket(
    app: &AppState,
    request: &HttpRequest,
    ticket: &str,
) -> Result<ActiveLogin, Problem> {
    let holder = app.tickets.redeem(ticket, Instant::now());
    check_login(app, request, holder.ok_or_else(unauthenticated)?).await
}

async fn check_token(
    app: &AppState,
    request: &HttpRequest,
    token: &str,
) -> Result<ActiveLogin, Problem> {
    let claims = app.tokens.read(token).ok_or_else(unauthenticated)?;
    let holder = TicketHolder {
        user: UserId(claims.sub),
        login: claims.sid,
    };
    check_login(app, request, holder).await
}

/// Checks that the token's login is active and belongs to the token's user.
async fn check_login(
    app: &AppState,
    request: &HttpRequest,
    holder: TicketHolder,
) -> Result<ActiveLogin, Problem> {
    // The token names the user: charge database time to the user from here on,
    // and not to the address.
    if let Some(payer) = database_payer(request) {
        payer.set_user(holder.user);
    }
    let now = Millis::now();
    let login = app.store.logins().load(holder.login, now).await?;
    let login = login
        .filter(|login| login.user.id == holder.user)
        .ok_or_else(unauthenticated)?;
    if login.needs_touch(now) {
        let (store, login) = (app.store.clone(), login.clone());
        // The write runs in the background, so that no request waits for it.
        app.engine.spawn(async move {
            if let Err(error) = store.logins().touch(&login, now).await {
                tracing::warn!(%error, "can't record the use of a login");
            }
        });
    }
    Ok(login)
}

fn unauthenticated() -> Problem {
    Problem::new(ErrorCode::Unauthenticated, "Log in first.")
}

pub(super) fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}
