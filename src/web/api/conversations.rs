//! Conversations: opening, listing, looking.

use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, Millis};
use serde::Deserialize;

use super::{groups, named};
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Code, Event, Problem};
use crate::store::{ListCursor, Login};
use crate::web::auth::Auth;
use crate::web::body::Body;
use crate::web::decoding::{Path, Query};
use crate::web::{App, paging};

#[derive(Deserialize)]
pub(in crate::web) struct PageQuery {
    before: Option<String>,
    limit: Option<u64>,
}

/// Somebody to talk to, or a group to be.
pub(in crate::web) enum Create {
    Direct { username: String },
    Group(groups::Create),
}

impl FromFields for Create {
    const NAMES: &'static [&'static str] = &["username", "title", "usernames"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let is_group = fields.has("title") || fields.has("usernames");
        if fields.has("username") == is_group {
            let detail = "either this alone, or 'title' with 'usernames' for a group";
            fields.check::<()>("username", Err(Problem::field("username", detail)));
        }
        if is_group {
            return groups::Create::from_fields(fields).map(Self::Group);
        }
        let username = fields.required("username")?;
        Some(Self::Direct { username })
    }
}

/// `GET /api/conversations/`: pinned ones, then most recent first.
pub(in crate::web) async fn list(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::limit(query.limit);
    let cursor = query.before.as_deref().map(read_cursor).transpose()?;
    let me = login.user.id;
    let page = app.store.conversations(me, cursor, limit).await?;
    let older = page.next.map(|next| ("before", write_cursor(next)));
    let neighbours = [("prev", older)];
    Ok(paging::page(
        &request,
        &page.conversations,
        limit,
        &neighbours,
    ))
}

/// `POST /api/conversations/create/`: 201, or 200 with the one that exists.
pub(in crate::web) async fn create(
    app: App,
    Auth(login): Auth,
    Body(body): Body<Create>,
) -> Result<HttpResponse, Problem> {
    match body {
        Create::Direct { username } => open_direct(&app, &login, &username).await,
        Create::Group(group) => groups::create(&app, &login, group).await,
    }
}

async fn open_direct(app: &App, login: &Login, username: &str) -> Result<HttpResponse, Problem> {
    let me = login.user.id;
    let them = named(app, username).await?;
    let (id, is_new) = app.store.open_direct(me, them.id, Millis::now()).await?;
    let conversation = app.store.conversation(me, id).await?;
    if !is_new {
        return Ok(HttpResponse::Ok().json(conversation));
    }
    let response = HttpResponse::Created().json(&conversation);
    let conversation = Box::new(conversation);
    // The other hears of it with its first message.
    app.engine.tell(me, &Event::Conversation { conversation });
    Ok(response)
}

/// `GET /api/conversations/{id}/`.
pub(in crate::web) async fn show(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let found = app.store.conversation(login.user.id, ConversationId(*id));
    Ok(HttpResponse::Ok().json(found.await?))
}

pub(in crate::web) fn write_cursor(cursor: ListCursor) -> String {
    format!("{}.{}.{}", u8::from(cursor.pinned), cursor.at.0, cursor.id)
}

pub(in crate::web) fn read_cursor(text: &str) -> Result<ListCursor, Problem> {
    let mut parts = text.split('.').map(str::parse::<i64>);
    let mut next = || parts.next().and_then(Result::ok);
    match (next(), next(), next(), next()) {
        (Some(pinned @ 0..=1), Some(at), Some(id), None) => Ok(ListCursor {
            pinned: pinned == 1,
            at: Millis(at),
            id: ConversationId(id),
        }),
        _ => Err(Problem::new(
            Code::BadRequest,
            "The cursor 'before' is not one of ours.",
        )),
    }
}
