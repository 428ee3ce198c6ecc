//! Blocks: a user refuses the messages and requests of another user.

use actix_web::{HttpRequest, HttpResponse};
use entity::{Millis, UserId, user};
use serde::Deserialize;

use super::{connections, find_user};
use crate::protocol::Problem;
use crate::web::auth::Authenticated;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::{AppData, paging};

#[derive(Deserialize)]
pub(in crate::web) struct BlockListQuery {
    after: Option<i64>,
    limit: Option<u64>,
}

/// `GET /api/blocks/`: in order of user id.
pub(in crate::web) async fn list(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    query: StrictQuery<BlockListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::page_limit(query.limit);
    let after = query.after.map(UserId);
    let mut found = app
        .store
        .blocks()
        .list(login.user.id, after, limit + 1)
        .await?;
    let next = paging::truncate_page(&mut found, limit).map(|last| ("after", last.id.to_string()));
    Ok(paging::page_response(
        &request,
        &found,
        limit,
        &[("next", next)],
    ))
}

/// `PUT /api/blocks/{username}/`: blocks the user, and ends a connection or
/// request between the two.
pub(in crate::web) async fn put(
    app: AppData,
    Authenticated(login): Authenticated,
    username: StrictPath<String>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, &username).await?;
    block(&app, &login.user, &them).await?;
    let profile = app.store.users().load_profile(login.user.id, &them).await?;
    Ok(HttpResponse::Ok().json(profile))
}

/// `DELETE /api/blocks/{username}/`.
pub(in crate::web) async fn remove(
    app: AppData,
    Authenticated(login): Authenticated,
    username: StrictPath<String>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, &username).await?;
    unblock(&app, login.user.id, them.id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Blocks a user, and notifies both users if this ended a connection.
pub(in crate::web) async fn block(
    app: &AppData,
    me: &user::Model,
    them: &user::Model,
) -> Result<(), Problem> {
    match app.store.blocks().create(me, them, Millis::now()).await? {
        Some(change) => connections::notify_both(app, me.id, &change).await,
        // The two may exchange statuses as members of a group. After this call,
        // neither receives the other's status.
        None => app.engine.wait_for_statuses().await,
    }
    Ok(())
}

/// Removes a block. If the two share a group, each receives the other's status
/// again.
pub(in crate::web) async fn unblock(
    app: &AppData,
    me: UserId,
    them: UserId,
) -> Result<(), Problem> {
    app.store.blocks().delete(me, them).await?;
    app.engine.exchange_statuses(me, them).await;
    Ok(())
}
