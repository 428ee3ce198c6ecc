//! Delivery and read markers of clients without a socket, and the receipts of a
//! message.

use actix_web::{HttpRequest, HttpResponse};
use entity::receipt::ReceiptKind;
use entity::{ConversationId, MessageId, UserId};
use serde::Deserialize;

use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{ConversationAction, GroupCommand, Problem};
use crate::store::{ActiveLogin, ReceiptListQuery};
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::{AppData, paging};

/// The message up to which a marker advances.
pub(in crate::web) struct ReceiptBody {
    message_id: MessageId,
}

impl FromFields for ReceiptBody {
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

/// `POST /api/conversations/{id}/delivered/`: 204 once the marker is on disk.
pub(in crate::web) async fn mark_delivered(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
    JsonBody(body): JsonBody<ReceiptBody>,
) -> Result<HttpResponse, Problem> {
    let mark = ConversationAction::mark(ReceiptKind::Delivered, body.message_id);
    advance_marker(&app, &login, ConversationId(*id), mark).await
}

/// `POST /api/conversations/{id}/read/`: 204 once the marker is on disk.
pub(in crate::web) async fn mark_read(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
    JsonBody(body): JsonBody<ReceiptBody>,
) -> Result<HttpResponse, Problem> {
    let mark = ConversationAction::mark(ReceiptKind::Read, body.message_id);
    advance_marker(&app, &login, ConversationId(*id), mark).await
}

async fn advance_marker(
    app: &AppData,
    login: &ActiveLogin,
    id: ConversationId,
    mark: ConversationAction<GroupCommand>,
) -> Result<HttpResponse, Problem> {
    app.engine.execute_action(id, login.user.id, mark).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /api/conversations/{id}/messages/{message_id}/receipts/`: only for the
/// sender of the message.
pub(in crate::web) async fn list(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    path: StrictPath<(i64, i64)>,
    query: StrictQuery<ReceiptsQuery>,
) -> Result<HttpResponse, Problem> {
    let (id, message) = *path;
    let access = app
        .store
        .conversations()
        .load_access(login.user.id, ConversationId(id))
        .await?;
    let window = access.ok_or_else(Problem::not_found)?.window();
    let limit = paging::page_limit(query.limit);
    let asked = ReceiptListQuery {
        message: MessageId(message),
        after: query.after.map(UserId),
        limit: limit + 1,
    };
    let mut found = app
        .store
        .history()
        .list_receipts(login.user.id, &window, &asked)
        .await?;
    let next =
        paging::truncate_page(&mut found, limit).map(|last| ("after", last.user.id.to_string()));
    Ok(paging::page_response(
        &request,
        &found,
        limit,
        &[("next", next)],
    ))
}
