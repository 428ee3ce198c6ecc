//! Who asks.
//!
//! The first token that is present decides: `Authorization: Bearer`, else,
//! for a WebSocket (browsers can't set its headers), the subprotocol offer
//! `tidings.v1, bearer.<jwt>`, then `?token=`, else the cookie that the pages'
//! forms set. Browsers send that one by themselves, so what comes by it has
//! to show that it comes from our pages (see [`csrf`]).

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use entity::Millis;
use serde::Deserialize;

use super::cookies::Jar;
use super::{App, State, csrf};
use crate::protocol::{Code, Problem};
use crate::store::Login;

/// The login that a request comes with. Taking it as an argument is what
/// makes a handler private.
pub(super) struct Auth(pub(super) Login);

/// The login of an admin. To everybody else there is nothing here.
pub(super) struct Admin(pub(super) Login);

/// A token, by the way it came.
enum Token {
    /// On purpose.
    Given(String),
    /// By itself.
    Cookie(String),
}

impl FromRequest for Auth {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { of_request(&request).await.map(Self) })
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            match of_request(&request).await {
                Ok(login) if login.user.is_admin => Ok(Self(login)),
                Ok(_) => Err(Problem::not_found()),
                Err(problem) if problem.code == Code::Unauthenticated => Err(Problem::not_found()),
                Err(problem) => Err(problem),
            }
        })
    }
}

async fn of_request(request: &HttpRequest) -> Result<Login, Problem> {
    let app = request.app_data::<App>().ok_or_else(Problem::internal)?;
    let given = bearer(request).map(str::to_owned);
    match or_cookie(app, request, given) {
        None => Err(unauthenticated()),
        Some(Token::Given(token)) => check(app, &token).await,
        Some(Token::Cookie(token)) => {
            let login = check(app, &token).await?;
            csrf::check(app, request, login.id)?;
            Ok(login)
        }
    }
}

/// The login that a WebSocket handshake comes with.
///
/// # Errors
/// `unauthenticated`; `bad_origin` where it comes by cookie from elsewhere.
pub(super) async fn of_handshake(app: &State, request: &HttpRequest) -> Result<Login, Problem> {
    #[derive(Deserialize)]
    struct Query {
        token: Option<String>,
    }
    let query = web::Query::<Query>::from_query(request.query_string());
    let in_query = query.ok().and_then(|query| query.into_inner().token);
    let given = bearer(request)
        .or_else(|| offered(request))
        .map(str::to_owned)
        .or(in_query);
    match or_cookie(app, request, given) {
        None => Err(unauthenticated()),
        Some(Token::Given(token)) => check(app, &token).await,
        Some(Token::Cookie(token)) => {
            csrf::check_origin(app, request)?;
            check(app, &token).await
        }
    }
}

fn or_cookie(app: &State, request: &HttpRequest, given: Option<String>) -> Option<Token> {
    let cookie = || Jar::Login.of(request, &app.settings).map(Token::Cookie);
    given.map(Token::Given).or_else(cookie)
}

async fn check(app: &State, token: &str) -> Result<Login, Problem> {
    let claims = app.tokens.read(token).ok_or_else(unauthenticated)?;
    let now = Millis::now();
    let login = app.store.login(claims.sid, now).await?;
    let login = login
        .filter(|login| login.user.id.0 == claims.sub)
        .ok_or_else(unauthenticated)?;
    if login.is_due(now) {
        let (store, login) = (app.store.clone(), login.clone());
        // Nobody waits for this.
        actix_web::rt::spawn(async move {
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

fn bearer(request: &HttpRequest) -> Option<&str> {
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
    request
        .headers()
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|offer| offer.trim().strip_prefix("bearer."))
}
