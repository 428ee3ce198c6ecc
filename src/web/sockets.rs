//! The doors of the sockets: everything that can be refused is refused before
//! the upgrade, as a problem.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, Millis};

use super::api::must_be_in;
use super::{App, auth};
use crate::engine::directory::Door;
use crate::engine::session::{self, HandshakeProblem, Place, Session, Watch, Who};
use crate::protocol::{Code, Problem, User, Username};
use crate::store::Login;
use crate::web::decoding::Path;

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
    username: Result<Path<String>, actix_web::Error>,
) -> Result<HttpResponse, actix_web::Error> {
    let login = knock(&app, &request).await?;
    let id = direct_with(&app, &login, &username?).await?;
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
        app.engine.show(&[me], id).await;
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
    must_be_in(&app, login.user.id, id).await?;
    open(&app, login, Door::Conversation(id), (&request, payload))
}

/// `GET /ws/admin/`: how the engine does, for admins.
pub(super) async fn watch(
    app: App,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    // First of all: to everybody else there is nothing here.
    let login = auth::of_admin_handshake(&app, &request).await?;
    check(&app, &request)?;
    let watch = Watch::new(app.engine.clone(), login.id);
    session::open_watch(watch, &request, payload)
}

async fn knock(app: &App, request: &HttpRequest) -> Result<Login, Problem> {
    check(app, request)?;
    let login = auth::of_handshake(app, request).await?;
    app.engine
        .rates()
        .request(login.user.id)
        .map_err(Problem::from)?;
    Ok(login)
}

/// Whether it is a handshake, and there is somebody to take it.
fn check(app: &App, request: &HttpRequest) -> Result<(), Problem> {
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
    Ok(())
}

fn open(
    app: &App,
    login: Login,
    door: Door,
    (request, payload): (&HttpRequest, Payload),
) -> Result<HttpResponse, actix_web::Error> {
    let seat = app.engine.rates().sit(login.user.id)?;
    let who = Who {
        user: User::from(&login.user),
        login: login.id,
        expires_at: login.expires_at,
    };
    session::open(
        Session::new(app.engine.clone(), who, Place { door, seat }),
        request,
        payload,
    )
}
