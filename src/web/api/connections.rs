//! Who may message whom. Each change is told to the sessions of both.

use actix_web::web::{Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use entity::{ConnectionId, Millis, UserId};
use serde::Deserialize;

use super::super::auth::Auth;
use super::super::body::Body;
use super::super::{App, paging};
use super::named;
use crate::protocol::{Event, Problem};
use crate::store::{Change, RequestOutcome};

#[derive(Deserialize)]
pub(in crate::web) struct PageQuery {
    before: Option<i64>,
    limit: Option<u64>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Request {
    username: String,
}

/// `GET /api/connections/`: newest first.
pub(in crate::web) async fn list(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::limit(query.limit);
    let before = query.before.map(ConnectionId);
    let mut found = app
        .store
        .connections(login.user.id, before, limit + 1)
        .await?;
    let older = paging::cut(&mut found, limit).map(|last| ("before", last.id.to_string()));
    Ok(paging::page(&request, &found, limit, &[("prev", older)]))
}

/// `POST /api/connections/`: 201 where the other is asked now, 200 where the
/// two are connected by it, or where nothing changed.
pub(in crate::web) async fn request(
    app: App,
    Auth(login): Auth,
    Body(body): Body<Request>,
) -> Result<HttpResponse, Problem> {
    let them = named(&app, &body.username).await?;
    let outcome = app
        .store
        .request_connection(&login.user, &them, Millis::now())
        .await?;
    Ok(match outcome {
        RequestOutcome::Requested(change) => {
            tell(&app, login.user.id, &change);
            HttpResponse::Created().json(change.mine)
        }
        RequestOutcome::Connected(change) => {
            tell(&app, login.user.id, &change);
            HttpResponse::Ok().json(change.mine)
        }
        RequestOutcome::Unchanged(connection) => HttpResponse::Ok().json(connection),
    })
}

/// `POST /api/connections/{id}/accept/`.
pub(in crate::web) async fn accept(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app.store.accept_connection(&login.user, id).await?;
    tell(&app, login.user.id, &change);
    Ok(HttpResponse::Ok().json(change.mine))
}

/// `POST /api/connections/{id}/decline/`.
pub(in crate::web) async fn decline(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app.store.decline_connection(&login.user, id).await?;
    tell(&app, login.user.id, &change);
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/connections/{id}/`.
pub(in crate::web) async fn remove(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app.store.remove_connection(&login.user, id).await?;
    tell(&app, login.user.id, &change);
    Ok(HttpResponse::NoContent().finish())
}

pub(in crate::web) fn tell(app: &App, me: UserId, change: &Change) {
    let them = change.mine.user.id;
    let mine = change.mine.clone();
    app.engine.tell(me, &Event::Connection { connection: mine });
    if let Some(connection) = change.theirs.clone() {
        app.engine.tell(them, &Event::Connection { connection });
    }
}
