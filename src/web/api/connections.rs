//! Who may message whom. Each change is told to the sessions of both.

use actix_web::{HttpRequest, HttpResponse};
use entity::{ConnectionId, Millis, UserId, user};
use serde::Deserialize;

use super::named;
use crate::protocol::connection::State;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Event, Problem};
use crate::store::{Change, RequestOutcome};
use crate::web::auth::Auth;
use crate::web::body::Body;
use crate::web::decoding::{Path, Query};
use crate::web::{App, paging};

#[derive(Deserialize)]
pub(in crate::web) struct PageQuery {
    before: Option<i64>,
    limit: Option<u64>,
}

/// Whom somebody asks to connect.
pub(in crate::web) struct Request {
    username: String,
}

impl FromFields for Request {
    const NAMES: &'static [&'static str] = &["username"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let username = fields.required("username")?;
        Some(Self { username })
    }
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
    Ok(match ask(&app, &login.user, &them).await? {
        RequestOutcome::Requested(change) => HttpResponse::Created().json(change.mine),
        RequestOutcome::Connected(change) => HttpResponse::Ok().json(change.mine),
        RequestOutcome::Unchanged(connection, _) => HttpResponse::Ok().json(connection),
    })
}

/// Asks somebody to connect, or connects the two where they asked before; and
/// tells both.
pub(in crate::web) async fn ask(
    app: &App,
    me: &user::Model,
    them: &user::Model,
) -> Result<RequestOutcome, Problem> {
    let outcome = app
        .store
        .request_connection(me, them, Millis::now())
        .await?;
    match &outcome {
        RequestOutcome::Requested(change) | RequestOutcome::Connected(change) => {
            tell(app, me.id, change).await;
        }
        RequestOutcome::Unchanged(_, Some(theirs)) => {
            let connection = theirs.clone();
            app.engine.tell(them.id, &Event::Connection { connection });
        }
        RequestOutcome::Unchanged(_, None) => {}
    }
    Ok(outcome)
}

/// `POST /api/connections/{id}/accept/`.
pub(in crate::web) async fn accept(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app.store.accept_connection(&login.user, id).await?;
    tell(&app, login.user.id, &change).await;
    Ok(HttpResponse::Ok().json(change.mine))
}

/// `POST /api/connections/{id}/decline/`.
pub(in crate::web) async fn decline(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app
        .store
        .decline_connection(&login.user, id, Millis::now())
        .await?;
    tell(&app, login.user.id, &change).await;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/connections/{id}/`.
pub(in crate::web) async fn remove(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app
        .store
        .remove_connection(&login.user, id, Millis::now())
        .await?;
    tell(&app, login.user.id, &change).await;
    Ok(HttpResponse::NoContent().finish())
}

/// Tells both. It is done in a task of its own: whoever asked may hang up.
pub(in crate::web) async fn tell(app: &App, me: UserId, change: &Change) {
    let (engine, app, change) = (app.engine.clone(), app.clone(), change.clone());
    let told = engine.spawn(async move { tell_both(&app, me, change).await });
    if let Err(error) = told.await {
        tracing::error!(%error, "a change between two people wasn't told");
    }
}

/// Where it connects them, each then hears whether the other is here; where it
/// ends that, neither does after it.
async fn tell_both(app: &App, me: UserId, change: Change) {
    let Change { mine, theirs } = change;
    let them = mine.user.id;
    if mine.state == State::None {
        app.engine.statuses_told().await;
    }
    let is_connected = mine.state == State::Connected;
    if let Err(error) = app.engine.reopened(me, them).await {
        tracing::error!(%error, "a live conversation doesn't know who may write");
    }
    app.engine.tell(me, &Event::Connection { connection: mine });
    if let Some(connection) = theirs {
        app.engine.tell(them, &Event::Connection { connection });
    }
    if is_connected {
        app.engine.introduce(me, them).await;
    }
}
