//! Messages of a conversation: reading and sending.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, MessageId};
use serde::Deserialize;

use crate::engine::room::messages::Ask;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Code, Emoji, Message, MessageText, Problem, Sending};
use crate::store::append::How;
use crate::store::{Login, Page, PageRequest, View};
use crate::web::auth::Auth;
use crate::web::body::Body;
use crate::web::decoding::{Path, Query};
use crate::web::{App, paging};

#[derive(Deserialize)]
pub(in crate::web) struct HistoryQuery {
    before: Option<i64>,
    after: Option<i64>,
    around: Option<i64>,
    pub(super) limit: Option<u64>,
}

/// A message to be sent.
pub(in crate::web) struct Send(Sending);

impl FromFields for Send {
    const NAMES: &'static [&'static str] = &["text", "client_id", "reply_to"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        Sending::read(fields, "text").map(Self)
    }
}

impl HistoryQuery {
    /// Which part of the history it asks for.
    pub(super) fn asked(&self) -> Result<PageRequest, Problem> {
        match (self.before, self.after, self.around) {
            (None, None, None) => Ok(PageRequest::Latest),
            (Some(seq), None, None) => Ok(PageRequest::Before(seq)),
            (None, Some(seq), None) => Ok(PageRequest::After(seq)),
            (None, None, Some(seq)) => Ok(PageRequest::Around(seq)),
            _ => Err(Problem::new(
                Code::BadRequest,
                "Ask for one of 'before', 'after' and 'around'.",
            )),
        }
    }
}

/// `GET /api/conversations/{id}/messages/`: oldest first.
pub(in crate::web) async fn history(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    (id, query): (Path<i64>, Query<HistoryQuery>),
) -> Result<HttpResponse, Problem> {
    let asked = query.asked()?;
    let (view, id) = (View::Of(login.user.id), ConversationId(*id));
    let limit = paging::limit(query.limit);
    let page = app.store.history((view, id), asked, limit).await?;
    let page = page.ok_or_else(Problem::not_found)?;
    let neighbours = neighbours(&page);
    Ok(paging::page(&request, &page.messages, limit, &neighbours))
}

/// Where the pages beside this one are.
type Neighbours = [(&'static str, Option<(&'static str, String)>); 2];

pub(super) fn neighbours(page: &Page) -> Neighbours {
    let first = page.messages.first().filter(|_| page.has_older);
    let last = page.messages.last().filter(|_| page.has_newer);
    [
        ("prev", first.map(|first| ("before", first.seq.to_string()))),
        ("next", last.map(|last| ("after", last.seq.to_string()))),
    ]
}

/// `POST /api/conversations/{id}/messages/`: 201 once it is on disk; 200 with
/// the first one where its `client_id` was used before.
pub(in crate::web) async fn send(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
    Body(Send(sending)): Body<Send>,
) -> Result<HttpResponse, Problem> {
    let id = ConversationId(*id);
    let sent = app.engine.send_message(id, login.user.id, sending).await?;
    Ok(match sent.is_new {
        true => HttpResponse::Created().json(&*sent.message),
        false => HttpResponse::Ok().json(&*sent.message),
    })
}

/// What a message says from now on.
pub(in crate::web) struct Edit {
    text: MessageText,
}

impl FromFields for Edit {
    const NAMES: &'static [&'static str] = &["text"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let text = fields.required_as("text", |text: String| MessageText::parse(&text))?;
        Some(Self { text })
    }
}

/// `PATCH /api/conversations/{id}/messages/{message_id}/`.
pub(in crate::web) async fn edit(
    app: App,
    Auth(login): Auth,
    path: Path<(i64, i64)>,
    Body(body): Body<Edit>,
) -> Result<HttpResponse, Problem> {
    let message = touch(&app, &login, *path, How::Edit(body.text)).await?;
    Ok(HttpResponse::Ok().json(&*message))
}

/// `DELETE /api/conversations/{id}/messages/{message_id}/`.
pub(in crate::web) async fn withdraw(
    app: App,
    Auth(login): Auth,
    path: Path<(i64, i64)>,
) -> Result<HttpResponse, Problem> {
    touch(&app, &login, *path, How::Withdraw).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `PUT /api/conversations/{id}/messages/{message_id}/reactions/{emoji}/`.
pub(in crate::web) async fn react(
    app: App,
    Auth(login): Auth,
    path: Path<(i64, i64, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, message, emoji) = path.into_inner();
    let emoji = Emoji::parse(&emoji)?;
    let how = How::React { emoji, on: true };
    let message = touch(&app, &login, (id, message), how).await?;
    Ok(HttpResponse::Ok().json(&*message))
}

/// `DELETE /api/conversations/{id}/messages/{message_id}/reactions/{emoji}/`.
pub(in crate::web) async fn unreact(
    app: App,
    Auth(login): Auth,
    path: Path<(i64, i64, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, message, emoji) = path.into_inner();
    let emoji = Emoji::parse(&emoji)?;
    let how = How::React { emoji, on: false };
    touch(&app, &login, (id, message), how).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn touch(
    app: &App,
    login: &Login,
    (id, message): (i64, i64),
    how: How,
) -> Result<Arc<Message>, Problem> {
    let ask = Ask::Touch(MessageId(message), how);
    let done = app
        .engine
        .ask(ConversationId(id), login.user.id, ask)
        .await?;
    let sent = done.sent().ok_or_else(Problem::internal)?;
    Ok(sent.message)
}
