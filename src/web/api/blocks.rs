//! Whom one wants nothing from.

use actix_web::{HttpRequest, HttpResponse};
use entity::{Millis, UserId, user};
use serde::Deserialize;

use super::{connections, person};
use crate::protocol::Problem;
use crate::web::auth::Auth;
use crate::web::decoding::{Path, Query};
use crate::web::{App, paging};

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
    block(&app, &login.user, &them).await?;
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
    unblock(&app, login.user.id, them.id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Blocks somebody, and tells both what that ends.
pub(in crate::web) async fn block(
    app: &App,
    me: &user::Model,
    them: &user::Model,
) -> Result<(), Problem> {
    match app.store.block(me, them, Millis::now()).await? {
        Some(change) => connections::tell(app, me.id, &change).await,
        // Neither hears of the other any more, also where they only share a
        // group.
        None => app.engine.statuses_told().await,
    }
    Ok(())
}

/// Lifts a block. They may share a group, and so know again how the other
/// stands.
pub(in crate::web) async fn unblock(app: &App, me: UserId, them: UserId) -> Result<(), Problem> {
    app.store.unblock(me, them).await?;
    app.engine.introduce(me, them).await;
    Ok(())
}
