//! Connections: which users may message each other. Both users' sessions
//! receive each change.

use actix_web::{HttpRequest, HttpResponse};
use entity::{ConnectionId, Millis};
use serde::Deserialize;

use crate::protocol::Problem;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::store::ConnectionRequestOutcome;
use crate::web::actions::connections::{notify_both, request_connection};
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::lookups::find_active_user;
use crate::web::{AppData, paging};

#[derive(Deserialize)]
pub(in crate::web) struct ConnectionListQuery {
    before: Option<i64>,
    limit: Option<u64>,
}

/// The user to connect with.
pub(in crate::web) struct ConnectionRequestBody {
    username: String,
}

impl FromFields for ConnectionRequestBody {
    const NAMES: &'static [&'static str] = &["username"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let username = fields.required("username")?;
        Some(Self { username })
    }
}

/// `GET /api/connections/`: newest first.
pub(in crate::web) async fn list(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    query: StrictQuery<ConnectionListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::page_limit(query.limit);
    let before = query.before.map(ConnectionId);
    let mut found = app
        .store
        .connections()
        .list(login.user.id, before, limit + 1)
        .await?;
    let older =
        paging::truncate_page(&mut found, limit).map(|last| ("before", last.id.to_string()));
    Ok(paging::page_response(
        &request,
        &found,
        limit,
        &[("prev", older)],
    ))
}

/// `POST /api/connections/`: 201 if a request was sent, 200 if the two are
/// connected now or nothing changed.
pub(in crate::web) async fn request(
    app: AppData,
    Authenticated(login): Authenticated,
    JsonBody(body): JsonBody<ConnectionRequestBody>,
) -> Result<HttpResponse, Problem> {
    let them = find_active_user(&app, &body.username).await?;
    Ok(match request_connection(&app, &login.user, &them).await? {
        ConnectionRequestOutcome::Requested(change) => {
            HttpResponse::Created().json(change.caller_view)
        }
        ConnectionRequestOutcome::Connected(change) => HttpResponse::Ok().json(change.caller_view),
        ConnectionRequestOutcome::Unchanged(connection, _) => HttpResponse::Ok().json(connection),
    })
}

/// `POST /api/connections/{id}/accept/`.
pub(in crate::web) async fn accept(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app.store.connections().accept(&login.user, id).await?;
    notify_both(&app, login.user.id, &change).await;
    Ok(HttpResponse::Ok().json(change.caller_view))
}

/// `POST /api/connections/{id}/decline/`.
pub(in crate::web) async fn decline(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app
        .store
        .connections()
        .decline(&login.user, id, Millis::now())
        .await?;
    notify_both(&app, login.user.id, &change).await;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/connections/{id}/`.
pub(in crate::web) async fn remove(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app
        .store
        .connections()
        .remove(&login.user, id, Millis::now())
        .await?;
    notify_both(&app, login.user.id, &change).await;
    Ok(HttpResponse::NoContent().finish())
}
