//! Who asks.
//!
//! The first token that is present decides: `Authorization: Bearer`, else,
//! for a WebSocket (browsers can't set its headers), the subprotocol offer
//! `tidings.v1, bearer.<jwt>`, then a ticket in `?token=`, else the cookie that
//! the pages' forms set. Browsers send that one by themselves, so what comes by it has
//! to show that it comes from our pages (see [`csrf`]).

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use entity::{Millis, UserId};
use tokio::time::Instant;

use super::cookies::Jar;
use super::methods::AllowedMethods;
use super::security_lines::note;
use super::{App, State, csrf, decoding, limits, lists, problem};
use crate::auth::TicketHolder;
use crate::engine::rates::{DatabasePayer, Rates, Standing, TooMuch};
use crate::protocol::{Code, Problem};
use crate::store::Login;
use crate::telemetry::LimitedLine;

/// The login that a request comes with. Taking it as an argument is what
/// makes a handler private.
pub(super) struct Auth(pub(super) Login);

/// The login of an admin. To everybody else there is nothing here.
pub(super) struct Admin(pub(super) Login);

/// A token, by the way it came.
enum Token {
    /// On purpose.
    Given(String),
    /// In a URL, and good for this once.
    Ticket(String),
    /// By itself.
    Cookie(String),
}

/// What [`look_up`] found.
struct Found(Result<Login, Refused>);

/// Why nobody is let in; and whether it is an admin all the same, whose form
/// alone was wrong.
#[derive(Clone)]
struct Refused {
    problem: Problem,
    is_admin: bool,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            is_admin: false,
        }
    }
}

impl Refused {
    /// Whether it says something of the one who asks, and not of the server.
    fn is_theirs(&self) -> bool {
        matches!(
            self.problem.code,
            Code::Unauthenticated | Code::CsrfFailed | Code::BadOrigin
        )
    }
}

/// Looks who asks before a handler's arguments are taken, of which the body is
/// one. Those are polled side by side: a caller that isn't let in would get now
/// that, now what else is wrong with the request.
///
/// What somebody asks counts, and what is too much is refused here.
pub(super) async fn look_up(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    pass(request, next, Rates::request).await
}

/// The same, where `POST` sends a message.
pub(super) async fn look_up_sender(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let count = match *request.method() {
        Method::POST => Rates::send,
        _ => Rates::request,
    };
    pass(request, next, count).await
}

type Count = fn(&Rates, UserId) -> Result<Option<Standing>, TooMuch>;

/// The order is: method, login, limit, and only then the body.
async fn pass(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    count: Count,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Some(refused) = refused_method(&request) {
        return Ok(request.into_response(refused).map_into_right_body());
    }
    let seen = of_request(request.request()).await;
    let counted = match (&seen, request.app_data::<App>()) {
        (Ok(seen), Some(app)) => count(app.engine.rates(), seen.login.user.id),
        _ => check_payer(request.request()).map(|()| None),
    };
    let standing = match counted {
        Ok(standing) => standing,
        Err(too_much) => {
            let refused = problem::response(&too_much.into());
            return Ok(request.into_response(refused).map_into_right_body());
        }
    };
    let found = from_our_page(&mut request, seen).await;
    request.extensions_mut().insert(Found(found));
    let mut response = next.call(request).await?.map_into_left_body();
    // Where it was too much of something else, the answer says of what.
    if let Some(standing) = standing
        && !response.headers().contains_key(limits::LIMIT)
    {
        limits::say(response.headers_mut(), standing);
    }
    Ok(response)
}

fn refused_method(request: &ServiceRequest) -> Option<HttpResponse> {
    let allowed = request.app_data::<AllowedMethods>()?;
    (!allowed.has(request.method())).then(|| allowed.refusal())
}

/// Refuses a request whose address took too much database time. For endpoints
/// that don't look who asks.
pub(super) async fn within_budget(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Err(too_much) = check_payer(request.request()) {
        let refused = problem::response(&too_much.into());
        return Ok(request.into_response(refused).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// What pays for the statements of a request.
pub(super) fn payer_of(request: &HttpRequest) -> Option<Arc<DatabasePayer>> {
    request.extensions().get::<Arc<DatabasePayer>>().cloned()
}

fn check_payer(request: &HttpRequest) -> Result<(), TooMuch> {
    payer_of(request).map_or(Ok(()), |payer| payer.check())
}

/// Lets in admins alone: to everybody else there is nothing here, whatever
/// they ask and by whichever method.
pub(super) async fn admins_only(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let seen = of_request(request.request()).await;
    let is_let_in = match &seen {
        Ok(seen) => seen.login.user.is_admin,
        Err(problem) => problem.code != Code::Unauthenticated,
    };
    let refused = match is_let_in {
        true => refused_method(&request),
        false => Some(problem::response(&Problem::not_found())),
    };
    if let Some(refused) = refused {
        return Ok(request.into_response(refused).map_into_right_body());
    }
    let found = from_our_page(&mut request, seen).await;
    request.extensions_mut().insert(Found(found));
    Ok(next.call(request).await?.map_into_left_body())
}

/// The same for the admins' socket, whose handshake looks for itself: its
/// token may stand where no other request has it.
pub(super) async fn admins_or_a_handshake(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let answer = match *request.method() {
        Method::GET => next.call(request).await?.map_into_boxed_body(),
        _ => admins_only(request, next).await?.map_into_boxed_body(),
    };
    Ok(answer)
}

fn found(request: &HttpRequest) -> Result<Login, Refused> {
    let extensions = request.extensions();
    let found = extensions.get::<Found>();
    found.map_or_else(
        || Err(Problem::internal().into()),
        |Found(found)| found.clone(),
    )
}

impl FromRequest for Auth {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(found(request).map(Self).map_err(|refused| refused.problem))
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match found(request) {
            Ok(login) if login.user.is_admin => Ok(Self(login)),
            Ok(_) => Err(Problem::not_found()),
            Err(refused) if refused.is_theirs() && !refused.is_admin => Err(Problem::not_found()),
            Err(refused) => Err(refused.problem),
        })
    }
}

/// A login, before it is known whether its cookie comes from our pages.
struct SeenLogin {
    login: Login,
    is_cookie: bool,
}

async fn of_request(request: &HttpRequest) -> Result<SeenLogin, Problem> {
    let app = request.app_data::<App>().ok_or_else(Problem::internal)?;
    let given = bearer(request).map(|token| Token::Given(token.to_owned()));
    let (token, is_cookie) = match or_cookie(app, request, given) {
        None => return Err(unauthenticated()),
        Some(Token::Given(token) | Token::Ticket(token)) => (token, false),
        Some(Token::Cookie(token)) => (token, true),
    };
    let login = check(app, request, &token).await?;
    Ok(SeenLogin { login, is_cookie })
}

/// Refuses what comes by cookie alone.
async fn from_our_page(
    request: &mut ServiceRequest,
    seen: Result<SeenLogin, Problem>,
) -> Result<Login, Refused> {
    let SeenLogin { login, is_cookie } = seen?;
    if !is_cookie {
        return Ok(login);
    }
    let app = request.app_data::<App>().cloned();
    let app = app.ok_or_else(Problem::internal)?;
    match csrf::check(&app, request, login.id).await {
        Ok(()) => Ok(login),
        Err(problem) => {
            if problem.code == Code::CsrfFailed {
                let line = (LimitedLine::CsrfRefused, Some(&*login.user.username));
                note(&app, request.request(), line);
            }
            Err(Refused {
                problem,
                is_admin: login.user.is_admin,
            })
        }
    }
}

/// The login that a WebSocket handshake comes with.
///
/// # Errors
/// `unauthenticated`; `bad_origin` where it comes by cookie from elsewhere.
pub(super) async fn of_handshake(app: &State, request: &HttpRequest) -> Result<Login, Problem> {
    match in_handshake(app, request)? {
        None => Err(unauthenticated()),
        Some(Token::Given(token)) => check(app, request, &token).await,
        Some(Token::Ticket(ticket)) => check_ticket(app, request, &ticket).await,
        Some(Token::Cookie(token)) => {
            csrf::check_origin(app, request)?;
            check(app, request, &token).await
        }
    }
}

/// The login of an admin that a WebSocket handshake comes with.
///
/// # Errors
/// `not_found` for everybody else; `bad_origin` where it comes by cookie from
/// elsewhere.
pub(super) async fn of_admin_handshake(
    app: &State,
    request: &HttpRequest,
) -> Result<Login, Problem> {
    let found = in_handshake(app, request).map_err(|_| Problem::not_found())?;
    let (found, is_cookie) = match found {
        None => return Err(Problem::not_found()),
        Some(Token::Given(token)) => (check(app, request, &token).await, false),
        Some(Token::Ticket(ticket)) => (check_ticket(app, request, &ticket).await, false),
        Some(Token::Cookie(token)) => (check(app, request, &token).await, true),
    };
    match found {
        Ok(login) if login.user.is_admin => {
            if is_cookie {
                csrf::check_origin(app, request)?;
            }
            Ok(login)
        }
        Err(problem) if problem.code != Code::Unauthenticated => Err(problem),
        Ok(_) | Err(_) => Err(Problem::not_found()),
    }
}

fn in_handshake(app: &State, request: &HttpRequest) -> Result<Option<Token>, Problem> {
    let query = decoding::pairs(request.query_string().as_bytes())?;
    let in_query = query.into_iter().find(|(name, _)| name == "token");
    let given = bearer(request).or_else(|| offered(request));
    let given = given.map(|token| Token::Given(token.to_owned()));
    // A JWT has dots. Clients of before there were tickets send one here.
    let in_query = in_query.map(|(_, token)| match token.contains('.') {
        true => Token::Given(token),
        false => Token::Ticket(token),
    });
    Ok(or_cookie(app, request, given.or(in_query)))
}

fn or_cookie(app: &State, request: &HttpRequest, given: Option<Token>) -> Option<Token> {
    let cookie = || Jar::Login.of(request, &app.settings).map(Token::Cookie);
    given.or_else(cookie)
}

async fn check_ticket(app: &State, request: &HttpRequest, ticket: &str) -> Result<Login, Problem> {
    let holder = app.tickets.redeem(ticket, Instant::now());
    check_login(app, request, holder.ok_or_else(unauthenticated)?).await
}

async fn check(app: &State, request: &HttpRequest, token: &str) -> Result<Login, Problem> {
    let claims = app.tokens.read(token).ok_or_else(unauthenticated)?;
    let holder = TicketHolder {
        user: UserId(claims.sub),
        login: claims.sid,
    };
    check_login(app, request, holder).await
}

/// Whether the login still holds, and is that user's.
async fn check_login(
    app: &State,
    request: &HttpRequest,
    holder: TicketHolder,
) -> Result<Login, Problem> {
    // The token or ticket itself says whose it is, so that no address pays for this.
    if let Some(payer) = payer_of(request) {
        payer.log_in(holder.user);
    }
    let now = Millis::now();
    let login = app.store.login(holder.login, now).await?;
    let login = login
        .filter(|login| login.user.id == holder.user)
        .ok_or_else(unauthenticated)?;
    if login.is_due(now) {
        let (store, login) = (app.store.clone(), login.clone());
        // No request waits for this.
        app.engine.spawn(async move {
            if let Err(error) = store.touch_login(&login, now).await {
                tracing::warn!(%error, "can't note that a login was used");
            }
        });
    }
    Ok(login)
}

fn unauthenticated() -> Problem {
    Problem::new(Code::Unauthenticated, "Log in first.")
}

pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
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

fn offered(request: &HttpRequest) -> Option<&str> {
    lists::items(request.headers(), header::SEC_WEBSOCKET_PROTOCOL)
        .find_map(|offer| offer.strip_prefix("bearer."))
}
