//! Accounts and logins.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::{Millis, user};
use serde::{Deserialize, Serialize};

use super::super::auth::Auth;
use super::super::body::Body;
use super::super::{App, State};
use crate::auth::passwords;
use crate::protocol::user::Me;
use crate::protocol::{Code, DisplayName, Password, Problem, User, Username};
use crate::store::{NewLogin, NewUser};

/// Longer names of devices are cut.
const DEVICE_MAX: usize = 200;

#[derive(Deserialize)]
pub(in crate::web) struct Register {
    username: String,
    password: String,
    display_name: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Credentials {
    username: String,
    password: String,
}

/// What login and registration answer.
#[derive(Serialize)]
struct LoggedIn {
    token: String,
    expires_at: Millis,
    user: User,
}

/// `POST /api/auth/register/`.
pub(in crate::web) async fn register(
    app: App,
    request: HttpRequest,
    Body(body): Body<Register>,
) -> Result<HttpResponse, Problem> {
    let username = Username::parse(&body.username)?;
    let password = Password::parse(&body.password)?;
    let shown = body.display_name.as_deref().unwrap_or(username.as_str());
    let display_name = DisplayName::parse(shown)?;
    let password_hash = off_the_loop(move || passwords::hash(&password)).await?;
    let password_hash = password_hash.map_err(|error| {
        tracing::error!(%error, "can't hash a password");
        Problem::internal()
    })?;
    let new = NewUser {
        username,
        display_name,
        password_hash,
        is_admin: false,
    };
    let user = app.store.create_user(new, Millis::now()).await?;
    let answer = log_in(&app, &request, &user).await?;
    Ok(HttpResponse::Created().json(answer))
}

/// `POST /api/auth/login/`.
pub(in crate::web) async fn login(
    app: App,
    request: HttpRequest,
    Body(body): Body<Credentials>,
) -> Result<HttpResponse, Problem> {
    let user = match Username::parse(&body.username) {
        Ok(username) => app.store.user_named(&username).await?,
        Err(_) => None,
    };
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let is_right = off_the_loop(move || passwords::verify(&body.password, hash.as_deref())).await?;
    let user = user.filter(|_| is_right).ok_or_else(|| {
        Problem::new(
            Code::BadCredentials,
            "The username or the password is wrong.",
        )
    })?;
    if user.deactivated_at.is_some() {
        return Err(Problem::new(
            Code::Deactivated,
            "This account is switched off.",
        ));
    }
    let answer = log_in(&app, &request, &user).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/auth/logout/`.
pub(in crate::web) async fn logout(app: App, Auth(login): Auth) -> Result<HttpResponse, Problem> {
    app.store.end_login(login.id, Millis::now()).await?;
    app.engine.end_login(&login);
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /api/me/`.
pub(in crate::web) async fn me(Auth(login): Auth) -> HttpResponse {
    HttpResponse::Ok().json(Me {
        user: User::from(&login.user),
        about: login.user.about,
        is_admin: login.user.is_admin,
    })
}

/// argon2 takes tens of milliseconds: never on an event loop.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    web::block(work).await.map_err(|error| {
        tracing::error!(%error, "the pool for passwords is gone");
        Problem::internal()
    })
}

async fn log_in(
    app: &State,
    request: &HttpRequest,
    user: &user::Model,
) -> Result<LoggedIn, Problem> {
    let now = Millis::now();
    let expires_at = app.tokens.expiry(now);
    let new = NewLogin {
        user_id: user.id,
        device: device(request),
        address: request
            .peer_addr()
            .map(|address| address.ip().to_string())
            .unwrap_or_default(),
        expires_at,
    };
    let login = app.store.create_login(new, now).await?;
    let token = app.tokens.issue(user.id, login, now).map_err(|error| {
        tracing::error!(%error, "can't make a token");
        Problem::internal()
    })?;
    Ok(LoggedIn {
        token,
        expires_at,
        user: User::from(user),
    })
}

fn device(request: &HttpRequest) -> String {
    let agent = request.headers().get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    agent.chars().take(DEVICE_MAX).collect()
}
