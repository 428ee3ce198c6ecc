//! Whether this server can serve.

use std::time::Duration;

use actix_web::HttpResponse;

use super::App;
use crate::protocol::Problem;

/// A database that takes longer isn't well.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`: 200 when the database answers. A nearly full disk doesn't
/// change that, since reading goes on: the body says it.
pub(super) async fn check(app: App) -> Result<HttpResponse, Problem> {
    match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(answer) => answer?,
        Err(_) => return Err(Problem::unavailable()),
    }
    let status = match app.engine.disk().is_low() {
        true => "disk_low",
        false => "ok",
    };
    Ok(HttpResponse::Ok().json(serde_json::json!({ "status": status })))
}
