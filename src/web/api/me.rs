//! One's own account.

use actix_web::HttpResponse;
use entity::{Millis, user};
use serde::Deserialize;

use super::super::auth::Auth;
use super::super::body::Body;
use super::super::{App, accounts};
use crate::protocol::user::Me;
use crate::protocol::{About, DisplayName, Password, Problem, User};
use crate::store::ProfileChange;

#[derive(Deserialize)]
pub(in crate::web) struct Change {
    display_name: Option<String>,
    about: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct ChangePassword {
    current_password: String,
    new_password: String,
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
    let name = body.display_name.as_deref().map(DisplayName::parse);
    let change = ProfileChange {
        display_name: name.transpose()?,
        about: body.about.as_deref().map(About::parse).transpose()?,
    };
    let changed = app.store.change_profile(login.user.id, change).await?;
    if changed.display_name != login.user.display_name {
        app.engine.renamed(&User::from(&changed));
    }
    Ok(HttpResponse::Ok().json(me(changed)))
}

/// `POST /api/me/password/`: ends every other login.
pub(in crate::web) async fn change_password(
    app: App,
    Auth(login): Auth,
    Body(body): Body<ChangePassword>,
) -> Result<HttpResponse, Problem> {
    let new = Password::parse(&body.new_password).map_err(|weak| {
        let detail = weak.detail.clone();
        Problem::new(weak.code, weak.detail).at("new_password", detail)
    })?;
    let hash = Some(login.user.password_hash.clone());
    if !accounts::is_password(body.current_password, hash).await? {
        return Err(Problem::field(
            "current_password",
            "your password as it is now",
        ));
    }
    let hash = accounts::hashed(new).await?;
    let ended = app.store.change_password(&login, hash, Millis::now());
    for other in ended.await? {
        app.engine.end_login(login.user.id, other);
    }
    Ok(HttpResponse::NoContent().finish())
}

fn me(user: user::Model) -> Me {
    Me {
        user: User::from(&user),
        about: user.about,
        is_admin: user.is_admin,
    }
}
