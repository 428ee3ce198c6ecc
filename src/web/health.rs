//! Whether this server can serve.

use std::time::Duration;

use actix_web::HttpResponse;

use super::App;
use crate::protocol::Problem;

/// A database that takes longer isn't well.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`: 200 when the database answers.
pub(super) async fn check(app: App) -> Result<HttpResponse, Problem> {
    match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(answer) => answer?,
        Err(_) => return Err(Problem::unavailable()),
    }
    Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ok" })))
}
