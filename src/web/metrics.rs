//! `GET /metrics`: the engine's metrics for Prometheus and compatible scrapers.
//!
//! They contain no personal data, but they reveal the server's load. So they
//! are on a separate listener, require a token, or are off. A request without
//! access gets 404.

mod format;
mod text;

use actix_web::http::header;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};

use self::format::MetricsFormat;
use super::resources::to;
use super::{AppData, auth};
use crate::config::{MetricsToken, Settings};
use crate::protocol::Problem;

/// Adds the route to the public listener, if the settings say so.
pub(super) fn configure_public_metrics(config: &mut ServiceConfig, settings: &Settings) {
    if settings.metrics.are_public() {
        config.service(metrics_resource());
    }
}

/// Configures the listener for metrics, which has no other path.
pub(super) fn configure_metrics_listener(config: &mut ServiceConfig) {
    config
        .service(metrics_resource())
        .default_service(not_found_route());
}

fn metrics_resource() -> actix_web::Resource {
    web::resource("/metrics")
        .route(to(show).method(actix_web::http::Method::GET))
        .default_service(not_found_route())
}

fn not_found_route() -> actix_web::Route {
    web::to(|| async { Err::<String, _>(Problem::not_found()) })
}

async fn show(app: AppData, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if let Some(token) = &app.settings.metrics.token
        && !auth::bearer_token(&request).is_some_and(|given| is_valid_token(token, given))
    {
        return Err(Problem::not_found());
    }
    let connections = app.engine.counters().connections();
    let text = text::write_metrics(app.engine.overview(), connections).map_err(|error| {
        tracing::error!(%error, "can't encode the metrics");
        Problem::internal()
    })?;
    let format = MetricsFormat::accepted_by(&request);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::VARY, "Accept"))
        .body(format.write(text)))
}

/// Compares digests, so that the time taken doesn't reveal how much of a token
/// was right.
fn is_valid_token(token: &MetricsToken, given: &str) -> bool {
    Sha256::digest(token.as_bytes()) == Sha256::digest(given)
}
