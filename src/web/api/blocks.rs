//! Blocks: a user refuses the messages and requests of another user.

use actix_web::{HttpRequest, HttpResponse};
use entity::UserId;
use serde::Deserialize;

use crate::protocol::Problem;
use crate::web::actions::blocks::{block_user, unblock_user};
use crate::web::auth::Authenticated;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::lookups::find_user;
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
    block_user(&app, &login.user, &them).await?;
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
    unblock_user(&app, login.user.id, them.id).await?;
    Ok(HttpResponse::NoContent().finish())
}
