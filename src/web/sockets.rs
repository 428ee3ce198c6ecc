//! The doors of the sockets: everything that can be refused is refused before
//! the upgrade, as a problem.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, Millis};

use super::api::must_be_in;
use super::{App, auth, handshake};
use crate::engine::directory::Door;
use crate::engine::session::{self, Handshake, Place, Session, Watch, Who};
use crate::protocol::{Problem, User, Username};
use crate::store::Login;
use crate::web::decoding::Path;

/// `GET /ws/`: everything of the user.
pub(super) async fn everything(
    app: App,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let (login, handshake) = knock(&app, &request).await?;
    open(&app, login, Door::Everything, (&handshake, payload)).await
}

/// `GET /ws/notifications/`: the user's news.
pub(super) async fn notifications(
    app: App,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let (login, handshake) = knock(&app, &request).await?;
    open(&app, login, Door::Notifications, (&handshake, payload)).await
}

/// `GET /ws/chat/{username}/`: the direct conversation with somebody, opened
/// where there is none yet.
pub(super) async fn partner(
    app: App,
    request: HttpRequest,
    payload: Payload,
    username: Result<Path<String>, actix_web::Error>,
) -> Result<HttpResponse, actix_web::Error> {
    let (login, handshake) = knock(&app, &request).await?;
    let id = direct_with(&app, &login, &username?).await?;
    open(&app, login, Door::Conversation(id), (&handshake, payload)).await
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
    let (login, handshake) = knock(&app, &request).await?;
    let id = ConversationId(*id);
    must_be_in(&app, login.user.id, id).await?;
    open(&app, login, Door::Conversation(id), (&handshake, payload)).await
}

/// `GET /ws/admin/`: how the engine does, for admins.
pub(super) async fn watch(
    app: App,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    // First of all: to everybody else there is nothing here.
    let login = auth::of_admin_handshake(&app, &request).await?;
    let handshake = check(&app, &request)?;
    let watch = Watch::new(app.engine.clone(), login.id);
    Ok(session::open_watch(watch, &handshake, payload))
}

async fn knock(app: &App, request: &HttpRequest) -> Result<(Login, Handshake), Problem> {
    let handshake = check(app, request)?;
    let login = auth::of_handshake(app, request).await?;
    app.engine
        .rates()
        .request(login.user.id)
        .map_err(Problem::from)?;
    Ok((login, handshake))
}

/// Reads the handshake, unless the server stops.
fn check(app: &App, request: &HttpRequest) -> Result<Handshake, Problem> {
    let handshake = handshake::read(request)?;
    if app.engine.is_stopping() {
        return Err(Problem::busy());
    }
    Ok(handshake)
}

async fn open(
    app: &App,
    login: Login,
    door: Door,
    (handshake, payload): (&Handshake, Payload),
) -> Result<HttpResponse, actix_web::Error> {
    let seat = app.engine.sit(login.user.id).await?;
    let who = Who {
        user: User::from(&login.user),
        login: login.id,
        expires_at: login.expires_at,
    };
    let session = Session::new(app.engine.clone(), who, Place { door, seat });
    Ok(session::open(session, handshake, payload))
}
