//! The username surface: a direct conversation by the other's name, over the
//! same engine.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use entity::{Millis, user};
use serde::Serialize;

use super::messages::{HistoryQuery, neighbours};
use super::person;
use crate::engine::reply::Sent;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Code, Message, Problem, Sending};
use crate::store::{Login, View};
use crate::web::auth::Auth;
use crate::web::body::{FormOrJson, is_form};
use crate::web::decoding::{Path, Query};
use crate::web::pages::refusals::accepts_html;
use crate::web::{App, paging};

/// A message to be sent.
pub(in crate::web) struct Send(Sending);

impl FromFields for Send {
    const NAMES: &'static [&'static str] = &["message", "client_id"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        Sending::read(fields, "message").map(Self)
    }
}

#[derive(Serialize)]
struct History<'a> {
    messages: &'a [Message],
}

/// `GET /messages/history/{username}/`: empty where there is nothing yet.
pub(in crate::web) async fn history(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    (username, query): (Path<String>, Query<HistoryQuery>),
) -> Result<HttpResponse, Problem> {
    let asked = query.asked()?;
    let them = person(&app, &username).await?;
    let limit = paging::limit(query.limit);
    let me = login.user.id;
    let view = View::Of(me);
    let page = match app.store.direct_between(me, them.id).await? {
        Some(id) => app.store.history((view, id), asked, limit).await?,
        None => None,
    };
    let page = page.unwrap_or_default();
    let neighbours = neighbours(&page);
    let messages = &page.messages;
    let body = History { messages };
    Ok(paging::page(&request, &body, limit, &neighbours))
}

/// `POST /messages/send/{username}/`: opens the conversation where there is
/// none yet.
pub(in crate::web) async fn send(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    (username, FormOrJson(Send(sending))): (Path<String>, FormOrJson<Send>),
) -> Result<HttpResponse, Problem> {
    let them = person(&app, &username).await;
    let sent = send_to(&app, &login, &them, sending).await?;
    let them = them?;
    Ok(match sent.is_new {
        _ if is_of_a_page(&request) => back_to(&them),
        true => HttpResponse::Created().json(&*sent.message),
        false => HttpResponse::Ok().json(&*sent.message),
    })
}

/// Sends a message to somebody. Only one that can be sent opens a conversation;
/// a retry is looked for in the one that there is.
pub(in crate::web) async fn send_to(
    app: &App,
    login: &Login,
    them: &Result<user::Model, Problem>,
    sending: Sending,
) -> Result<Sent, Problem> {
    let me = login.user.id;
    let them = match (them, &sending.content) {
        (Ok(them), _) => them.id,
        (Err(_), Err(fault)) => return Err(fault.clone()),
        (Err(problem), Ok(_)) => return Err(problem.clone()),
    };
    let id = match &sending.content {
        Ok(_) => app.store.open_direct(me, them, Millis::now()).await?.0,
        Err(fault) => {
            let found = app.store.direct_between(me, them).await?;
            found.ok_or_else(|| fault.clone())?
        }
    };
    app.engine.send_message(id, me, sending).await
}

/// Whether a browser sent a page's form, and shows what comes back.
fn is_of_a_page(request: &HttpRequest) -> bool {
    is_form(request) && accepts_html(request.headers())
}

fn back_to(them: &user::Model) -> HttpResponse {
    let page = format!("/messages/chat/{}/", them.username);
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, page))
        .finish()
}

/// `GET /messages/unread/`.
pub(in crate::web) async fn unread(app: App, Auth(login): Auth) -> Result<HttpResponse, Problem> {
    #[derive(Serialize)]
    struct Unread {
        unread_count: i64,
    }
    let unread_count = app.store.total_unread(login.user.id, Millis::now()).await?;
    Ok(HttpResponse::Ok().json(Unread { unread_count }))
}

/// `GET /messages/status/{username}/`.
pub(in crate::web) async fn status(
    app: App,
    Auth(login): Auth,
    username: Path<String>,
) -> Result<HttpResponse, Problem> {
    #[derive(Serialize)]
    struct Status {
        username: String,
        is_online: bool,
        last_seen: Option<Millis>,
    }
    let them = person(&app, &username).await?;
    let profile = app.store.profile(login.user.id, &them).await?;
    let is_online = profile.is_online.ok_or_else(|| {
        Problem::new(
            Code::NotConnected,
            "You only see when people are here that you are connected with.",
        )
    })?;
    Ok(HttpResponse::Ok().json(Status {
        username: profile.user.username,
        is_online,
        last_seen: profile.last_seen,
    }))
}
