//! The WebSocket endpoints. Every rejection is a problem document, sent before
//! the upgrade.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, Millis};

use super::lookups::require_participant;
use super::{AppData, auth, handshake};
use crate::engine::directory::SocketScope;
use crate::engine::session::{
    self, Handshake, PulseWatch, Session, SessionIdentity, SocketAdmission,
};
use crate::protocol::{Problem, User, Username};
use crate::store::ActiveLogin;
use crate::web::decoding::StrictPath;

/// `GET /ws/`: all events of the user.
pub(super) async fn connect_all(
    app: AppData,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let (login, handshake) = authenticate(&app, &request).await?;
    open_session(&app, login, SocketScope::Everything, &handshake, payload).await
}

/// `GET /ws/notifications/`: the user's notifications.
pub(super) async fn connect_notifications(
    app: AppData,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let (login, handshake) = authenticate(&app, &request).await?;
    open_session(&app, login, SocketScope::Notifications, &handshake, payload).await
}

/// `GET /ws/chat/{username}/`: the direct conversation with a user, created if
/// there is none.
pub(super) async fn connect_direct(
    app: AppData,
    request: HttpRequest,
    payload: Payload,
    username: Result<StrictPath<String>, actix_web::Error>,
) -> Result<HttpResponse, actix_web::Error> {
    let (login, handshake) = authenticate(&app, &request).await?;
    let id = find_or_open_direct(&app, &login, &username?).await?;
    open_session(
        &app,
        login,
        SocketScope::Conversation(id),
        &handshake,
        payload,
    )
    .await
}

async fn find_or_open_direct(
    app: &AppData,
    login: &ActiveLogin,
    username: &str,
) -> Result<ConversationId, Problem> {
    let username = Username::parse(username).map_err(|_| Problem::not_found())?;
    let them = app.store.users().find_by_name(&username).await?;
    let them = them
        .filter(|user| user.id != login.user.id)
        .ok_or_else(Problem::not_found)?;
    let (me, now) = (login.user.id, Millis::now());
    let (id, is_new) = app
        .store
        .conversations()
        .open_direct(me, them.id, now)
        .await?;
    if is_new {
        app.engine.show_conversation(&[me], id).await;
    }
    Ok(id)
}

/// `GET /ws/chat/{conversation_id}/`: one conversation.
pub(super) async fn connect_conversation(
    app: AppData,
    request: HttpRequest,
    payload: Payload,
    id: StrictPath<i64>,
) -> Result<HttpResponse, actix_web::Error> {
    let (login, handshake) = authenticate(&app, &request).await?;
    let id = ConversationId(*id);
    require_participant(&app, login.user.id, id).await?;
    open_session(
        &app,
        login,
        SocketScope::Conversation(id),
        &handshake,
        payload,
    )
    .await
}

/// `GET /ws/admin/`: live samples of the engine's figures, for admins.
pub(super) async fn connect_admin(
    app: AppData,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    // Checked first, so that other users get 404 for any handshake.
    let login = auth::authenticate_admin_handshake(&app, &request).await?;
    let handshake = check_handshake(&app, &request)?;
    let watch = PulseWatch::new(app.engine.clone(), login.id);
    Ok(session::open_watch(watch, &handshake, payload))
}

async fn authenticate(
    app: &AppData,
    request: &HttpRequest,
) -> Result<(ActiveLogin, Handshake), Problem> {
    let handshake = check_handshake(app, request)?;
    let login = auth::authenticate_handshake(app, request).await?;
    app.engine
        .rates()
        .check_request(login.user.id)
        .map_err(Problem::from)?;
    Ok((login, handshake))
}

/// Reads the handshake, unless the server is stopping.
fn check_handshake(app: &AppData, request: &HttpRequest) -> Result<Handshake, Problem> {
    let handshake = handshake::read_handshake(request)?;
    if app.engine.is_stopping() {
        return Err(Problem::busy());
    }
    Ok(handshake)
}

async fn open_session(
    app: &AppData,
    login: ActiveLogin,
    scope: SocketScope,
    handshake: &Handshake,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let permit = app.engine.reserve_socket(login.user.id).await?;
    let identity = SessionIdentity {
        user: User::from(&login.user),
        login: login.id,
        expires_at: login.expires_at,
    };
    let session = Session::new(
        app.engine.clone(),
        identity,
        SocketAdmission { scope, permit },
    );
    Ok(session::open_session(session, handshake, payload))
}
