//! Reports of messages to the admins.

use actix_web::web::ServiceConfig;
use actix_web::{HttpResponse, http::Method};
use entity::message::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};
use serde_json::json;

use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Code, Message, Problem, text};
use crate::web::auth::Auth;
use crate::web::body::Body;
use crate::web::decoding::Path;
use crate::web::{App, State, at, to};

/// The longest reason, in characters.
const REASON_MAX: usize = 300;

/// What a report says.
pub(in crate::web) struct Report {
    reason: String,
}

impl FromFields for Report {
    const NAMES: &'static [&'static str] = &["reason"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let reason = fields.required_as("reason", |reason: String| {
            if text::is_blank(&reason) {
                return Err(Problem::field("reason", "a few words why"));
            }
            let reason = text::single_line(&reason, REASON_MAX);
            reason.map_err(|why| Problem::field("reason", why))
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
/// this user reported it before.
async fn create(
    app: App,
    Auth(login): Auth,
    path: Path<(i64, i64)>,
    Body(body): Body<Report>,
) -> Result<HttpResponse, Problem> {
    let me = login.user.id;
    let message = seen(&app, me, (ConversationId(path.0), MessageId(path.1))).await?;
    let answer = json!({
        "conversation_id": message.conversation_id,
        "message_id": message.id,
        "state": "reported",
    });
    if app.store.has_reported(me, message.id).await? {
        return Ok(HttpResponse::Ok().json(answer));
    }
    check(me, &message)?;
    app.engine.rates().report(me)?;
    let bytes = message.text.len() + body.reason.len();
    app.engine.store_text(me, bytes)?;
    let reported = (body.reason, Millis::now());
    Ok(
        match app.store.report_message(me, &message, reported).await? {
            true => HttpResponse::Created().json(answer),
            false => HttpResponse::Ok().json(answer),
        },
    )
}

/// The message as this user sees it.
async fn seen(
    app: &State,
    me: UserId,
    (conversation, message): (ConversationId, MessageId),
) -> Result<Message, Problem> {
    let seq = app.store.seq_of(conversation, message).await?;
    let seq = seq.ok_or_else(Problem::not_found)?;
    let found = app.store.message_seen_by(me, conversation, seq).await?;
    found.ok_or_else(Problem::not_found)
}

fn check(me: UserId, message: &Message) -> Result<(), Problem> {
    let refused = |why: &'static str| Err(Problem::new(Code::Conflict, why));
    match message.kind {
        Kind::System => refused("The system wrote this message."),
        Kind::Text if message.sender.id == me => refused("You wrote this message."),
        Kind::Text if message.deleted => refused("This message was withdrawn."),
        Kind::Text => Ok(()),
    }
}
