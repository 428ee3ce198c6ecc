//! The health check.

use std::time::Duration;

use actix_web::HttpResponse;

use super::AppData;
use crate::protocol::Problem;

/// A database that takes longer to answer counts as unavailable.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// `GET /healthz`: 200 if the database answers. A nearly full disk doesn't fail
/// the check, since reads still work; the body reports it.
pub(super) async fn check_health(app: AppData) -> Result<HttpResponse, Problem> {
    match tokio::time::timeout(PING_TIMEOUT, app.store.ping()).await {
        Ok(answer) => answer?,
        Err(_) => return Err(Problem::unavailable()),
    }
    let status = if app.engine.disk_state().is_low() {
        "disk_low"
    } else {
        "ok"
    };
    Ok(HttpResponse::Ok().json(serde_json::json!({ "status": status })))
}
