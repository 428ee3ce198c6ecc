//! The API of direct conversations by username. It uses the same engine as the
//! API by id.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use entity::{Millis, user};
use serde::Serialize;

use super::messages::{HistoryQuery, page_neighbours, respond_sent};
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{ErrorCode, Message, Problem, SubmittedMessage};
use crate::store::append::AppendOutcome;
use crate::store::{ActiveLogin, HistoryReader};
use crate::web::auth::Authenticated;
use crate::web::body::{FormOrJson, is_form};
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::header_lists::accepts_html;
use crate::web::lookups::find_user;
use crate::web::{AppData, paging};

/// A message to send.
pub(in crate::web) struct DirectMessageBody(SubmittedMessage);

impl FromFields for DirectMessageBody {
    const NAMES: &'static [&'static str] = &["message", "client_id"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        SubmittedMessage::read(fields, "message").map(Self)
    }
}

#[derive(Serialize)]
struct HistoryBody<'a> {
    messages: &'a [Message],
}

/// `GET /messages/history/{username}/`: empty if there is no conversation.
pub(in crate::web) async fn history(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    username: StrictPath<String>,
    query: StrictQuery<HistoryQuery>,
) -> Result<HttpResponse, Problem> {
    let asked = query.page_request()?;
    let them = find_user(&app, &username).await?;
    let limit = paging::page_limit(query.limit);
    let me = login.user.id;
    let view = HistoryReader::User(me);
    let page = match app.store.conversations().find_direct(me, them.id).await? {
        Some(id) => {
            app.store
                .history()
                .load_page(view, id, asked, limit)
                .await?
        }
        None => None,
    };
    let page = page.unwrap_or_default();
    let neighbours = page_neighbours(&page);
    let messages = &page.messages;
    let body = HistoryBody { messages };
    Ok(paging::page_response(&request, &body, limit, &neighbours))
}

/// `POST /messages/send/{username}/`: creates the conversation if there is
/// none.
pub(in crate::web) async fn send(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    username: StrictPath<String>,
    FormOrJson(DirectMessageBody(sending)): FormOrJson<DirectMessageBody>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, &username).await;
    let outcome = send_direct(&app, &login, &them, sending).await?;
    if is_page_form(&request) {
        Ok(redirect_to_chat(&them?))
    } else {
        respond_sent(&outcome)
    }
}

/// Sends a direct message. An invalid message creates no conversation. It is
/// passed on to an existing one, since it may be a retry of a stored message.
pub(in crate::web) async fn send_direct(
    app: &AppData,
    login: &ActiveLogin,
    them: &Result<user::Model, Problem>,
    sending: SubmittedMessage,
) -> Result<AppendOutcome, Problem> {
    let me = login.user.id;
    let them = match (them, &sending.text) {
        (Ok(them), _) => them.id,
        (Err(_), Err(fault)) => return Err(fault.clone()),
        (Err(problem), Ok(_)) => return Err(problem.clone()),
    };
    let id = match &sending.text {
        Ok(_) => {
            app.store
                .conversations()
                .open_direct(me, them, Millis::now())
                .await?
                .0
        }
        Err(fault) => {
            let found = app.store.conversations().find_direct(me, them).await?;
            found.ok_or_else(|| fault.clone())?
        }
    };
    app.engine.send_message(id, me, sending).await
}

/// Returns whether a browser sent a page's form and will display the response.
fn is_page_form(request: &HttpRequest) -> bool {
    is_form(request) && accepts_html(request.headers())
}

fn redirect_to_chat(them: &user::Model) -> HttpResponse {
    let page = format!("/messages/chat/{}/", them.username);
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, page))
        .finish()
}

/// `GET /messages/unread/`.
pub(in crate::web) async fn unread(
    app: AppData,
    Authenticated(login): Authenticated,
) -> Result<HttpResponse, Problem> {
    #[derive(Serialize)]
    struct UnreadCountBody {
        unread_count: i64,
    }
    let unread_count = app
        .store
        .unread()
        .count_total(login.user.id, Millis::now())
        .await?;
    Ok(HttpResponse::Ok().json(UnreadCountBody { unread_count }))
}

/// `GET /messages/status/{username}/`.
pub(in crate::web) async fn status(
    app: AppData,
    Authenticated(login): Authenticated,
    username: StrictPath<String>,
) -> Result<HttpResponse, Problem> {
    #[derive(Serialize)]
    struct PresenceBody {
        username: String,
        is_online: bool,
        last_seen: Option<Millis>,
    }
    let them = find_user(&app, &username).await?;
    let profile = app.store.users().load_profile(login.user.id, &them).await?;
    let is_online = profile.is_online.ok_or_else(|| {
        Problem::new(
            ErrorCode::NotConnected,
            "You can see the presence of your contacts only.",
        )
    })?;
    Ok(HttpResponse::Ok().json(PresenceBody {
        username: profile.user.username,
        is_online,
        last_seen: profile.last_seen,
    }))
}
