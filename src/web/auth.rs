//! Who asks.
//!
//! The first token that is present decides: `Authorization: Bearer`, else,
//! for a WebSocket (browsers can't set its headers), the subprotocol offer
//! `tidings.v1, bearer.<jwt>`, then `?token=`.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use entity::Millis;
use serde::Deserialize;

use super::{App, State};
use crate::protocol::{Code, Problem};
use crate::store::Login;

/// The login that a request comes with. Taking it as an argument is what
/// makes a handler private.
pub(super) struct Auth(pub(super) Login);

impl FromRequest for Auth {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = request.app_data::<App>().cloned();
        let token = bearer(request).map(str::to_owned);
        Box::pin(async move {
            let app = app.ok_or_else(Problem::internal)?;
            check(&app, token.as_deref()).await.map(Self)
        })
    }
}

/// The login that a WebSocket handshake comes with.
///
/// # Errors
/// `unauthenticated`.
pub(super) async fn of_handshake(app: &State, request: &HttpRequest) -> Result<Login, Problem> {
    #[derive(Deserialize)]
    struct Query {
        token: Option<String>,
    }
    let query = web::Query::<Query>::from_query(request.query_string());
    let in_query = query.ok().and_then(|query| query.into_inner().token);
    let token = bearer(request)
        .or_else(|| offered(request))
        .or(in_query.as_deref());
    check(app, token).await
}

async fn check(app: &State, token: Option<&str>) -> Result<Login, Problem> {
    let claims = token.and_then(|token| app.tokens.read(token));
    let claims = claims.ok_or_else(unauthenticated)?;
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
