//! Conversations: creating, listing and reading them.

use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, Millis};
use serde::Deserialize;

use super::groups;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Problem, ServerEvent};
use crate::store::ActiveLogin;
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::lookups::find_active_user;
use crate::web::{AppData, paging};

#[derive(Deserialize)]
pub(in crate::web) struct ConversationListQuery {
    before: Option<String>,
    limit: Option<u64>,
}

/// The other user of a direct conversation, or a new group.
pub(in crate::web) enum NewConversationBody {
    Direct { username: String },
    Group(groups::NewGroupBody),
}

impl FromFields for NewConversationBody {
    const NAMES: &'static [&'static str] = &["username", "title", "usernames"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let is_group = fields.has("title") || fields.has("usernames");
        if fields.has("username") == is_group {
            let detail = "either this alone, or 'title' with 'usernames' for a group";
            fields.check::<()>("username", Err(Problem::invalid_field("username", detail)));
        }
        if is_group {
            return groups::NewGroupBody::from_fields(fields).map(Self::Group);
        }
        let username = fields.required("username")?;
        Some(Self::Direct { username })
    }
}

/// `GET /api/conversations/`: pinned ones first, then the most recent.
pub(in crate::web) async fn list(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    query: StrictQuery<ConversationListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::page_limit(query.limit);
    let cursor = query
        .before
        .as_deref()
        .map(paging::read_list_cursor)
        .transpose()?;
    let me = login.user.id;
    let page = app.store.conversations().list(me, cursor, limit).await?;
    let older = page
        .next
        .map(|next| ("before", paging::write_list_cursor(next)));
    let neighbours = [("prev", older)];
    Ok(paging::page_response(
        &request,
        &page.conversations,
        limit,
        &neighbours,
    ))
}

/// `POST /api/conversations/create/`: 201, or 200 if it exists already.
pub(in crate::web) async fn create(
    app: AppData,
    Authenticated(login): Authenticated,
    JsonBody(body): JsonBody<NewConversationBody>,
) -> Result<HttpResponse, Problem> {
    match body {
        NewConversationBody::Direct { username } => open_direct(&app, &login, &username).await,
        NewConversationBody::Group(group) => groups::create(&app, &login, group).await,
    }
}

async fn open_direct(
    app: &AppData,
    login: &ActiveLogin,
    username: &str,
) -> Result<HttpResponse, Problem> {
    let me = login.user.id;
    let them = find_active_user(app, username).await?;
    let (id, is_new) = app
        .store
        .conversations()
        .open_direct(me, them.id, Millis::now())
        .await?;
    let conversation = app.store.conversations().load(me, id).await?;
    if !is_new {
        return Ok(HttpResponse::Ok().json(conversation));
    }
    let response = HttpResponse::Created().json(&conversation);
    let conversation = Box::new(conversation);
    // The other user receives the conversation with its first message.
    app.engine
        .deliver_event(me, &ServerEvent::Conversation { conversation });
    Ok(response)
}

/// `GET /api/conversations/{id}/`.
pub(in crate::web) async fn show(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let found = app
        .store
        .conversations()
        .load(login.user.id, ConversationId(*id));
    Ok(HttpResponse::Ok().json(found.await?))
}
