//! Connections: which users may message each other. Both users' sessions
//! receive each change.

use actix_web::{HttpRequest, HttpResponse};
use entity::{ConnectionId, Millis, UserId, user};
use serde::Deserialize;

use super::find_active_user;
use crate::protocol::connection::ConnectionStatus;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Problem, ServerEvent};
use crate::store::{ConnectionChange, ConnectionRequestOutcome};
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::{StrictPath, StrictQuery};
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

/// Requests a connection, or connects the two if the other user had requested
/// it. Notifies both users.
pub(in crate::web) async fn request_connection(
    app: &AppData,
    me: &user::Model,
    them: &user::Model,
) -> Result<ConnectionRequestOutcome, Problem> {
    let outcome = app
        .store
        .connections()
        .request(me, them, Millis::now())
        .await?;
    match &outcome {
        ConnectionRequestOutcome::Requested(change)
        | ConnectionRequestOutcome::Connected(change) => {
            notify_both(app, me.id, change).await;
        }
        ConnectionRequestOutcome::Unchanged(_, Some(theirs)) => {
            let connection = theirs.clone();
            app.engine
                .deliver_event(them.id, &ServerEvent::Connection { connection });
        }
        ConnectionRequestOutcome::Unchanged(_, None) => {}
    }
    Ok(outcome)
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

/// Notifies both users in a separate task, which completes even if the caller
/// disconnects.
pub(in crate::web) async fn notify_both(app: &AppData, me: UserId, change: &ConnectionChange) {
    let (engine, app, change) = (app.engine.clone(), app.clone(), change.clone());
    let task = engine.spawn(async move { send_connection_events(&app, me, change).await });
    if let Err(error) = task.await {
        tracing::error!(%error, "the task that notifies of a connection change failed");
    }
}

/// Sends the change to both users. If they are connected now, each also
/// receives the other's status. If a connection ended, neither receives a
/// status after the change.
async fn send_connection_events(app: &AppData, me: UserId, change: ConnectionChange) {
    let ConnectionChange {
        caller_view: mine,
        other_view: theirs,
    } = change;
    let them = mine.user.id;
    if mine.state == ConnectionStatus::None {
        app.engine.wait_for_statuses().await;
    }
    let is_connected = mine.state == ConnectionStatus::Connected;
    if let Err(error) = app.engine.refresh_direct(me, them).await {
        tracing::error!(%error, "can't refresh write permission in a live conversation");
    }
    app.engine
        .deliver_event(me, &ServerEvent::Connection { connection: mine });
    if let Some(connection) = theirs {
        app.engine
            .deliver_event(them, &ServerEvent::Connection { connection });
    }
    if is_connected {
        app.engine.exchange_statuses(me, them).await;
    }
}
