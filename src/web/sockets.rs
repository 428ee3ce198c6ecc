//! The doors of the sockets: everything that can be refused is refused before
//! the upgrade, as a problem.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, Millis};

use super::{App, auth};
use crate::engine::directory::Door;
use crate::engine::session::{self, HandshakeProblem, Session, Who};
use crate::protocol::{Code, Problem, User, Username};
use crate::store::{Access, Login};

/// `GET /ws/`: everything of the user.
pub(super) async fn everything(
    app: App,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let login = knock(&app, &request).await?;
    open(&app, login, Door::Everything, (&request, payload))
}

/// `GET /ws/notifications/`: the user's news.
pub(super) async fn notifications(
    app: App,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let login = knock(&app, &request).await?;
    open(&app, login, Door::Notifications, (&request, payload))
}

/// `GET /ws/chat/{username}/`: the direct conversation with somebody, opened
/// where there is none yet.
pub(super) async fn partner(
    app: App,
    request: HttpRequest,
    payload: Payload,
    username: Path<String>,
) -> Result<HttpResponse, actix_web::Error> {
    let login = knock(&app, &request).await?;
    let id = direct_with(&app, &login, &username).await?;
    open(&app, login, Door::Conversation(id), (&request, payload))
}

async fn direct_with(app: &App, login: &Login, username: &str) -> Result<ConversationId, Problem> {
    let username = Username::parse(username).map_err(|_| Problem::not_found())?;
    let them = app.store.user_named(&username).await?;
    let them = them
        .filter(|user| user.id != login.user.id)
        .ok_or_else(Problem::not_found)?;
    let (me, now) = (login.user.id, Millis::now());
    let (id, is_new) = app.store.open_direct(me, them.id, now).await?;
    if is_new {
        app.engine.show(&[me], id).await?;
    }
    Ok(id)
}

/// `GET /ws/chat/{conversation_id}/`: one conversation.
pub(super) async fn conversation(
    app: App,
    request: HttpRequest,
    payload: Payload,
    id: Path<i64>,
) -> Result<HttpResponse, actix_web::Error> {
    let login = knock(&app, &request).await?;
    let id = ConversationId(*id);
    let access = app.store.access(login.user.id, id).await;
    match access.map_err(Problem::from)? {
        None => Err(Problem::not_found().into()),
        Some(Access::Left(_)) => Err(Problem::new(
            Code::NotAParticipant,
            "You are no longer in this conversation.",
        )
        .into()),
        Some(Access::In(_)) => open(&app, login, Door::Conversation(id), (&request, payload)),
    }
}

async fn knock(app: &App, request: &HttpRequest) -> Result<Login, Problem> {
    session::check_handshake(request).map_err(|problem| match problem {
        HandshakeProblem::NotAsked => Problem::new(
            Code::UpgradeRequired,
            "This is the door of a WebSocket: ask for the upgrade.",
        ),
        HandshakeProblem::Malformed => {
            Problem::new(Code::BadRequest, "The WebSocket handshake is malformed.")
        }
    })?;
    if app.engine.is_stopping() {
        return Err(Problem::busy());
    }
    auth::of_handshake(app, request).await
}

fn open(
    app: &App,
    login: Login,
    door: Door,
    (request, payload): (&HttpRequest, Payload),
) -> Result<HttpResponse, actix_web::Error> {
    let who = Who {
        user: User::from(&login.user),
        login: login.id,
        expires_at: login.expires_at,
    };
    session::open(
        Session::new(app.engine.clone(), who, door),
        request,
        payload,
    )
}
