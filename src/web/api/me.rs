//! One's own account.

use actix_web::{HttpRequest, HttpResponse};
use entity::{Millis, user};
use serde::Deserialize;

use super::super::auth::Auth;
use super::super::body::Body;
use super::super::{App, State, accounts, peer};
use crate::protocol::user::Me;
use crate::protocol::{About, DisplayName, Problem, User};
use crate::store::{Login, ProfileChange};

#[derive(Deserialize)]
pub(in crate::web) struct Change {
    pub(in crate::web) display_name: Option<String>,
    pub(in crate::web) about: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct ChangePassword {
    pub(in crate::web) current_password: String,
    pub(in crate::web) new_password: String,
}

/// `GET /api/me/`.
pub(in crate::web) async fn show(Auth(login): Auth) -> HttpResponse {
    HttpResponse::Ok().json(me(login.user))
}

/// `PATCH /api/me/`: what isn't named stays.
pub(in crate::web) async fn change(
    app: App,
    Auth(login): Auth,
    Body(body): Body<Change>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(me(apply(&app, &login, &body).await?)))
}

/// Changes what is named, and tells those whom it concerns.
pub(in crate::web) async fn apply(
    app: &State,
    login: &Login,
    change: &Change,
) -> Result<user::Model, Problem> {
    let name = change.display_name.as_deref().map(DisplayName::parse);
    let change = ProfileChange {
        display_name: name.transpose()?,
        about: change.about.as_deref().map(About::parse).transpose()?,
    };
    let changed = app.store.change_profile(login.user.id, change).await?;
    if changed.display_name != login.user.display_name {
        app.engine.renamed(&User::from(&changed));
    }
    Ok(changed)
}

/// `POST /api/me/password/`: ends every other login.
pub(in crate::web) async fn change_password(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    Body(body): Body<ChangePassword>,
) -> Result<HttpResponse, Problem> {
    renew(&app, (&login, &request), body).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes the password, and ends every other login.
pub(in crate::web) async fn renew(
    app: &State,
    (login, request): (&Login, &HttpRequest),
    body: ChangePassword,
) -> Result<(), Problem> {
    let new = accounts::new_password(&body.new_password)?;
    // Whoever has found a login open shouldn't find the password by it.
    let from = peer::address(request, &app.settings.trusted_proxies);
    let attempt = app.engine.rates().log_in(&login.user.username, from)?;
    let hash = Some(login.user.password_hash.clone());
    if !accounts::is_password(app, attempt, (body.current_password, hash)).await? {
        return Err(Problem::field(
            "current_password",
            "your password as it is now",
        ));
    }
    let hash = accounts::hashed(app, new).await?;
    let ended = app.store.change_password(login, hash, Millis::now());
    for other in ended.await? {
        app.engine.end_login(login.user.id, other);
    }
    Ok(())
}

pub(in crate::web) fn me(user: user::Model) -> Me {
    Me {
        user: User::from(&user),
        about: user.about,
        is_admin: user.is_admin,
    }
}
