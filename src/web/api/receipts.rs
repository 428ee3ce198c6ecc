//! How far people have come: marks of clients without a socket, and who has a
//! message.

use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, MessageId, UserId, receipt};
use serde::Deserialize;

use crate::engine::room::messages::Ask;
use crate::protocol::Problem;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::store::append::Mark;
use crate::store::{Login, ReceiptsRequest};
use crate::web::auth::Auth;
use crate::web::body::Body;
use crate::web::decoding::{Path, Query};
use crate::web::{App, paging};

/// Up to which message somebody has come.
pub(in crate::web) struct UpTo {
    message_id: MessageId,
}

impl FromFields for UpTo {
    const NAMES: &'static [&'static str] = &["message_id"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let message_id = fields.required("message_id")?;
        Some(Self { message_id })
    }
}

#[derive(Deserialize)]
pub(in crate::web) struct ReceiptsQuery {
    after: Option<i64>,
    limit: Option<u64>,
}

/// `POST /api/conversations/{id}/delivered/`: 204 once it is on disk.
pub(in crate::web) async fn delivered(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
    Body(body): Body<UpTo>,
) -> Result<HttpResponse, Problem> {
    mark(&app, &login, (*id, body), receipt::Kind::Delivered).await
}

/// `POST /api/conversations/{id}/read/`: 204 once it is on disk.
pub(in crate::web) async fn read(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
    Body(body): Body<UpTo>,
) -> Result<HttpResponse, Problem> {
    mark(&app, &login, (*id, body), receipt::Kind::Read).await
}

async fn mark(
    app: &App,
    login: &Login,
    (id, body): (i64, UpTo),
    kind: receipt::Kind,
) -> Result<HttpResponse, Problem> {
    let mark = Mark {
        kind,
        message: body.message_id,
    };
    let id = ConversationId(id);
    app.engine.ask(id, login.user.id, Ask::Mark(mark)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /api/conversations/{id}/messages/{message_id}/receipts/`: for its
/// sender.
pub(in crate::web) async fn list(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    (path, query): (Path<(i64, i64)>, Query<ReceiptsQuery>),
) -> Result<HttpResponse, Problem> {
    let (id, message) = *path;
    let access = app.store.access(login.user.id, ConversationId(id)).await?;
    let window = access.ok_or_else(Problem::not_found)?.window();
    let limit = paging::limit(query.limit);
    let asked = ReceiptsRequest {
        message: MessageId(message),
        after: query.after.map(UserId),
        limit: limit + 1,
    };
    let mut found = app.store.receipts(login.user.id, &window, &asked).await?;
    let next = paging::cut(&mut found, limit).map(|last| ("after", last.user.id.to_string()));
    Ok(paging::page(&request, &found, limit, &[("next", next)]))
}
