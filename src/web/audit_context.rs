//! The context of an action in the audit log.

use actix_web::HttpRequest;
use entity::Millis;

use super::{AppState, client_ip};
use crate::store::{ActiveLogin, AuditContext};

/// Returns the actor, time and address of an action, without a reason.
pub(super) fn audit_context(
    app: &AppState,
    login: &ActiveLogin,
    request: &HttpRequest,
) -> AuditContext {
    let address = client_ip::client_address(request, &app.settings.trusted_proxies);
    AuditContext {
        actor_id: Some(login.user.id),
        at: Millis::now(),
        address: address.map(|ip| ip.to_string()).unwrap_or_default(),
        reason: None,
    }
}
