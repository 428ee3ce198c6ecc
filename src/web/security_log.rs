//! The security log: requests that are rejected, or that change who can log in
//! (see [`crate::telemetry`]).

use actix_web::HttpRequest;

use super::{AppState, client_ip};
use crate::protocol::Username;
use crate::telemetry::{LimitedLine, admit_line, log_security_event, write_security_event};

/// Logs an event with the request's address, and the account if there is one.
pub(super) fn log_event(
    app: &AppState,
    request: &HttpRequest,
    event: LimitedLine,
    account: Option<&str>,
) {
    let origin = client_ip::client_origin(app, request);
    log_security_event(event, origin.address(), account);
}

/// Logs that login attempts exceeded the limit. Only the name of an existing
/// account is written: the input may be a password typed into the wrong field.
pub(super) async fn log_limited_login(app: &AppState, request: &HttpRequest, typed: &str) {
    if !admit_line(LimitedLine::LoginLimited) {
        return;
    }
    let user = match Username::parse(typed) {
        Ok(username) => app
            .store
            .users()
            .find_by_name(&username)
            .await
            .ok()
            .flatten(),
        Err(_) => None,
    };
    let account = user.as_ref().map(|user| &*user.username);
    let origin = client_ip::client_origin(app, request);
    write_security_event(LimitedLine::LoginLimited, origin.address(), account);
}
