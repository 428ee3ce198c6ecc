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

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use entity::{Millis, UserId};
use tokio::time::Instant;

use super::cookies::CookieKind;
use super::methods::AllowedMethods;
use super::security_log::log_event;
use super::{AppData, AppState, csrf, problem, rate_limit_headers};
use crate::auth::TicketHolder;
use crate::engine::rates::{DatabasePayer, RateExceeded, RateLimitStatus, RateLimiters};
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

/// The result of [`authenticate`], kept with the request.
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

/// Middleware: authenticates before actix extracts a handler's arguments.
///
/// Actix polls the arguments, of which the body is one, concurrently. Without
/// this order, the error for an unauthenticated caller would depend on which
/// argument fails first.
///
/// Each request counts against the user's rate limit. This middleware rejects a
/// request above the limit.
pub(super) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    authenticate_and_limit(request, next, RateLimiters::check_request).await
}

/// Middleware: like [`authenticate`], but a `POST` counts as a message sent.
pub(super) async fn authenticate_sender(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let count = match *request.method() {
        Method::POST => RateLimiters::check_send,
        _ => RateLimiters::check_request,
    };
    authenticate_and_limit(request, next, count).await
}

type RateCheck = fn(&RateLimiters, UserId) -> Result<Option<RateLimitStatus>, RateExceeded>;

/// Checks the method, the login and the rate limit, and only then the body.
async fn authenticate_and_limit(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    count: RateCheck,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Some(refused) = reject_method(&request) {
        return Ok(request.into_response(refused).map_into_right_body());
    }
    let seen = authenticate_request(request.request()).await;
    let counted = match (&seen, request.app_data::<AppData>()) {
        (Ok(seen), Some(app)) => count(app.engine.rates(), seen.login.user.id),
        _ => check_payer(request.request()).map(|()| None),
    };
    let standing = match counted {
        Ok(standing) => standing,
        Err(too_much) => {
            let refused = problem::problem_response(&too_much.into());
            return Ok(request.into_response(refused).map_into_right_body());
        }
    };
    let found = check_page_token(&mut request, seen).await;
    request.extensions_mut().insert(AuthOutcome(found));
    let mut response = next.call(request).await?.map_into_left_body();
    // Keep the headers of another limit that rejected the request.
    if let Some(standing) = standing
        && !response.headers().contains_key(rate_limit_headers::LIMIT)
    {
        rate_limit_headers::write_headers(response.headers_mut(), standing);
    }
    Ok(response)
}

fn reject_method(request: &ServiceRequest) -> Option<HttpResponse> {
    let allowed = request.app_data::<AllowedMethods>()?;
    (!allowed.has(request.method())).then(|| allowed.not_allowed_response())
}

/// Middleware: rejects a request if its address used too much database time.
/// For endpoints that don't authenticate.
pub(super) async fn limit_database_time(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Err(too_much) = check_payer(request.request()) {
        let refused = problem::problem_response(&too_much.into());
        return Ok(request.into_response(refused).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Returns the payer of a request's database statements.
pub(super) fn database_payer(request: &HttpRequest) -> Option<Arc<DatabasePayer>> {
    request.extensions().get::<Arc<DatabasePayer>>().cloned()
}

fn check_payer(request: &HttpRequest) -> Result<(), RateExceeded> {
    database_payer(request).map_or(Ok(()), |payer| payer.check_budget())
}

/// Middleware: passes only requests of admins. All others get 404, for each
/// method.
pub(super) async fn require_admin(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let seen = authenticate_request(request.request()).await;
    let is_let_in = match &seen {
        Ok(seen) => seen.login.user.is_admin,
        Err(problem) => problem.code != ErrorCode::Unauthenticated,
    };
    let refused = if is_let_in {
        reject_method(&request)
    } else {
        Some(problem::problem_response(&Problem::not_found()))
    };
    if let Some(refused) = refused {
        return Ok(request.into_response(refused).map_into_right_body());
    }
    let found = check_page_token(&mut request, seen).await;
    request.extensions_mut().insert(AuthOutcome(found));
    Ok(next.call(request).await?.map_into_left_body())
}

/// Middleware: like [`require_admin`], but passes a `GET`, the handshake of the
/// admin socket, to its handler. The handler reads the token, which a handshake
/// may carry in places where other requests may not.
pub(super) async fn require_admin_or_handshake(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let answer = match *request.method() {
        Method::GET => next.call(request).await?.map_into_boxed_body(),
        _ => require_admin(request, next).await?.map_into_boxed_body(),
    };
    Ok(answer)
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
struct UncheckedLogin {
    login: ActiveLogin,
    is_cookie: bool,
}

async fn authenticate_request(request: &HttpRequest) -> Result<UncheckedLogin, Problem> {
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
                let line = (LimitedLine::CsrfRefused, Some(&*login.user.username));
                log_event(&app, request.request(), line);
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
