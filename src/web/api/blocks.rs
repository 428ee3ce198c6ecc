//! Whom one wants nothing from.

use actix_web::web::{Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use entity::{Millis, UserId};
use serde::Deserialize;

use super::super::auth::Auth;
use super::super::{App, paging};
use super::{connections, person};
use crate::protocol::Problem;

#[derive(Deserialize)]
pub(in crate::web) struct PageQuery {
    after: Option<i64>,
    limit: Option<u64>,
}

/// `GET /api/blocks/`.
pub(in crate::web) async fn list(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::limit(query.limit);
    let after = query.after.map(UserId);
    let mut found = app.store.blocked(login.user.id, after, limit + 1).await?;
    let next = paging::cut(&mut found, limit).map(|last| ("after", last.id.to_string()));
    Ok(paging::page(&request, &found, limit, &[("next", next)]))
}

/// `PUT /api/blocks/{username}/`: whatever stood between the two ends with it.
pub(in crate::web) async fn put(
    app: App,
    Auth(login): Auth,
    username: Path<String>,
) -> Result<HttpResponse, Problem> {
    let them = person(&app, &username).await?;
    let ended = app.store.block(&login.user, &them, Millis::now()).await?;
    if let Some(change) = ended {
        connections::tell(&app, login.user.id, &change);
    }
    let profile = app.store.profile(login.user.id, &them).await?;
    Ok(HttpResponse::Ok().json(profile))
}

/// `DELETE /api/blocks/{username}/`.
pub(in crate::web) async fn lift(
    app: App,
    Auth(login): Auth,
    username: Path<String>,
) -> Result<HttpResponse, Problem> {
    let them = person(&app, &username).await?;
    app.store.unblock(login.user.id, them.id).await?;
    Ok(HttpResponse::NoContent().finish())
}
