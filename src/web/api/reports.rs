//! Reports of messages to the admins.

use actix_web::web::ServiceConfig;
use actix_web::{HttpResponse, http::Method};
use entity::message::MessageKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use serde_json::json;

use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{ErrorCode, Message, Problem, text};
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::StrictPath;
use crate::web::resources::{at, to};
use crate::web::{AppData, AppState};

/// The maximum length of a reason, in characters.
const REASON_MAX: usize = 300;

/// The fields of a report.
pub(in crate::web) struct ReportBody {
    reason: String,
}

impl FromFields for ReportBody {
    const NAMES: &'static [&'static str] = &["reason"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let reason = fields.required_as("reason", |reason: String| {
            if text::is_blank(&reason) {
                return Err(Problem::invalid_field("reason", "a short reason"));
            }
            let reason = text::single_line(&reason, REASON_MAX);
            reason.map_err(|why| Problem::invalid_field("reason", why))
        })?;
        Some(Self { reason })
    }
}

pub(in crate::web) fn routes(config: &mut ServiceConfig) {
    let post = Method::POST;
    config.service(at(
        "/api/conversations/{id:\\d+}/messages/{message:\\d+}/report",
        [(&post, to(create))],
    ));
}

/// `POST /api/conversations/{id}/messages/{message}/report/`: 201, or 200 if
/// this user reported the message before.
async fn create(
    app: AppData,
    Authenticated(login): Authenticated,
    path: StrictPath<(i64, i64)>,
    JsonBody(body): JsonBody<ReportBody>,
) -> Result<HttpResponse, Problem> {
    let me = login.user.id;
    let message = load_visible_message(&app, me, ConversationId(path.0), MessageId(path.1)).await?;
    let answer = json!({
        "conversation_id": message.conversation_id,
        "message_id": message.id,
        "state": "reported",
    });
    if app.store.reports().has_reported(me, message.id).await? {
        return Ok(HttpResponse::Ok().json(answer));
    }
    check_reportable(me, &message)?;
    app.engine.rates().check_report(me)?;
    let bytes = message.text.len() + body.reason.len();
    app.engine.reserve_text(me, bytes)?;
    let reports = app.store.reports();
    let stored = reports.create(me, &message, body.reason, Millis::now());
    Ok(if stored.await? {
        HttpResponse::Created().json(answer)
    } else {
        HttpResponse::Ok().json(answer)
    })
}

/// Returns the message as this user sees it.
async fn load_visible_message(
    app: &AppState,
    me: UserId,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Message, Problem> {
    let seq = app
        .store
        .moderation()
        .load_message_seq(conversation, message)
        .await?;
    let seq = seq.ok_or_else(Problem::not_found)?;
    let found = app
        .store
        .history()
        .find_message(me, conversation, seq)
        .await?;
    found.ok_or_else(Problem::not_found)
}

fn check_reportable(me: UserId, message: &Message) -> Result<(), Problem> {
    let refused = |why: &'static str| Err(Problem::new(ErrorCode::Conflict, why));
    match message.kind {
        MessageKind::System => refused("This is a system message."),
        MessageKind::Text if message.sender.id == me => refused("This is your own message."),
        MessageKind::Text if message.deleted => refused("This message was deleted."),
        MessageKind::Text => Ok(()),
    }
}
