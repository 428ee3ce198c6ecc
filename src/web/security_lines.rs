//! Lines of the log about requests that are refused or change who may log in
//! (see [`crate::telemetry`]).

use actix_web::HttpRequest;

use super::{State, peer};
use crate::protocol::Username;
use crate::telemetry::{LimitedLine, admit_line, note_security, write_security};

/// Writes a line of what happened to an account, if there is one, and where
/// the request came from.
pub(super) fn note(
    app: &State,
    request: &HttpRequest,
    (event, account): (LimitedLine, Option<&str>),
) {
    let origin = peer::origin(app, request);
    note_security(event, origin.address(), account);
}

/// Writes that too many attempts came. Only the name of an account that exists
/// is written: what was typed may be a password in the wrong field.
pub(super) async fn note_limited(app: &State, request: &HttpRequest, typed: &str) {
    if !admit_line(LimitedLine::LoginLimited) {
        return;
    }
    let user = match Username::parse(typed) {
        Ok(username) => app.store.user_named(&username).await.ok().flatten(),
        Err(_) => None,
    };
    let account = user.as_ref().map(|user| &*user.username);
    let origin = peer::origin(app, request);
    write_security(LimitedLine::LoginLimited, origin.address(), account);
}
