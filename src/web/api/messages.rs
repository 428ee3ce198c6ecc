//! Messages of a conversation: reading, sending and changing them.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, MessageId};
use serde::Deserialize;

use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{
    ConversationAction, Emoji, ErrorCode, Message, MessageAction, MessageText, Problem,
    SubmittedMessage,
};
use crate::store::append::AppendOutcome;
use crate::store::{ActiveLogin, HistoryAnchor, HistoryReader, HistorySlice};
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::{AppData, paging};

#[derive(Deserialize)]
pub(in crate::web) struct HistoryQuery {
    before: Option<i64>,
    after: Option<i64>,
    around: Option<i64>,
    pub(super) limit: Option<u64>,
}

/// A message to send.
pub(in crate::web) struct SendMessageBody(SubmittedMessage);

impl FromFields for SendMessageBody {
    const NAMES: &'static [&'static str] = &["text", "client_id", "reply_to"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        SubmittedMessage::read(fields, "text").map(Self)
    }
}

impl HistoryQuery {
    /// Returns the part of the history that the query selects.
    pub(super) fn page_request(&self) -> Result<HistoryAnchor, Problem> {
        match (self.before, self.after, self.around) {
            (None, None, None) => Ok(HistoryAnchor::Latest),
            (Some(seq), None, None) => Ok(HistoryAnchor::Before(seq)),
            (None, Some(seq), None) => Ok(HistoryAnchor::After(seq)),
            (None, None, Some(seq)) => Ok(HistoryAnchor::Around(seq)),
            _ => Err(Problem::new(
                ErrorCode::BadRequest,
                "Use at most one of 'before', 'after' and 'around'.",
            )),
        }
    }
}

/// `GET /api/conversations/{id}/messages/`: oldest first.
pub(in crate::web) async fn history(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    id: StrictPath<i64>,
    query: StrictQuery<HistoryQuery>,
) -> Result<HttpResponse, Problem> {
    let asked = query.page_request()?;
    let (view, id) = (HistoryReader::User(login.user.id), ConversationId(*id));
    let limit = paging::page_limit(query.limit);
    let page = app
        .store
        .history()
        .load_page(view, id, asked, limit)
        .await?;
    let page = page.ok_or_else(Problem::not_found)?;
    let neighbours = page_neighbours(&page);
    Ok(paging::page_response(
        &request,
        &page.messages,
        limit,
        &neighbours,
    ))
}

/// The link relations of the previous and next page, each with its cursor
/// parameter; `None` if there is no such page.
type PageNeighbours = [(&'static str, Option<(&'static str, String)>); 2];

pub(super) fn page_neighbours(page: &HistorySlice) -> PageNeighbours {
    let first = page.messages.first().filter(|_| page.has_older);
    let last = page.messages.last().filter(|_| page.has_newer);
    [
        ("prev", first.map(|first| ("before", first.seq.to_string()))),
        ("next", last.map(|last| ("after", last.seq.to_string()))),
    ]
}

/// `POST /api/conversations/{id}/messages/`: 201 once the message is on disk.
/// 200 with the stored message if its `client_id` was used before.
pub(in crate::web) async fn send(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
    JsonBody(SendMessageBody(sending)): JsonBody<SendMessageBody>,
) -> Result<HttpResponse, Problem> {
    let id = ConversationId(*id);
    let outcome = app.engine.send_message(id, login.user.id, sending).await?;
    respond_sent(&outcome)
}

/// Returns the response to a sent message: 201 if it is new, 200 for a retry.
pub(super) fn respond_sent(outcome: &AppendOutcome) -> Result<HttpResponse, Problem> {
    let message = outcome.message().ok_or_else(Problem::internal)?;
    Ok(if outcome.is_written() {
        HttpResponse::Created().json(&**message)
    } else {
        HttpResponse::Ok().json(&**message)
    })
}

/// The new text of a message.
pub(in crate::web) struct EditMessageBody {
    text: MessageText,
}

impl FromFields for EditMessageBody {
    const NAMES: &'static [&'static str] = &["text"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let text = fields.required_as("text", |text: String| MessageText::parse(&text))?;
        Some(Self { text })
    }
}

/// A message and its conversation.
struct MessagePath {
    conversation: ConversationId,
    message: MessageId,
}

impl MessagePath {
    fn new(conversation: i64, message: i64) -> Self {
        Self {
            conversation: ConversationId(conversation),
            message: MessageId(message),
        }
    }
}

/// `PATCH /api/conversations/{id}/messages/{message_id}/`.
pub(in crate::web) async fn edit(
    app: AppData,
    Authenticated(login): Authenticated,
    path: StrictPath<(i64, i64)>,
    JsonBody(body): JsonBody<EditMessageBody>,
) -> Result<HttpResponse, Problem> {
    let message = act_on_message(
        &app,
        &login,
        MessagePath::new(path.0, path.1),
        MessageAction::Edit(body.text),
    )
    .await?;
    Ok(HttpResponse::Ok().json(&*message))
}

/// `DELETE /api/conversations/{id}/messages/{message_id}/`.
pub(in crate::web) async fn delete(
    app: AppData,
    Authenticated(login): Authenticated,
    path: StrictPath<(i64, i64)>,
) -> Result<HttpResponse, Problem> {
    act_on_message(
        &app,
        &login,
        MessagePath::new(path.0, path.1),
        MessageAction::Delete,
    )
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `PUT /api/conversations/{id}/messages/{message_id}/reactions/{emoji}/`.
pub(in crate::web) async fn react(
    app: AppData,
    Authenticated(login): Authenticated,
    path: StrictPath<(i64, i64, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, message, emoji) = path.into_inner();
    let emoji = Emoji::parse(&emoji)?;
    let action = MessageAction::React { emoji, on: true };
    let message = act_on_message(&app, &login, MessagePath::new(id, message), action).await?;
    Ok(HttpResponse::Ok().json(&*message))
}

/// `DELETE /api/conversations/{id}/messages/{message_id}/reactions/{emoji}/`.
pub(in crate::web) async fn unreact(
    app: AppData,
    Authenticated(login): Authenticated,
    path: StrictPath<(i64, i64, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, message, emoji) = path.into_inner();
    let emoji = Emoji::parse(&emoji)?;
    let action = MessageAction::React { emoji, on: false };
    act_on_message(&app, &login, MessagePath::new(id, message), action).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn act_on_message(
    app: &AppData,
    login: &ActiveLogin,
    path: MessagePath,
    action: MessageAction,
) -> Result<Arc<Message>, Problem> {
    let message = path.message;
    let outcome = app
        .engine
        .execute_action(
            path.conversation,
            login.user.id,
            ConversationAction::Act { message, action },
        )
        .await?;
    outcome.message().cloned().ok_or_else(Problem::internal)
}
