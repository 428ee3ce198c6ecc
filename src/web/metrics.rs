//! `GET /metrics`: what the engine counts, for Prometheus and its kind.
//!
//! They tell nothing about anybody, but how much a house has to do is its own
//! business: they are on a listener of their own, or behind a token, or
//! nowhere. To everybody else there is nothing here.

mod format;
mod text;

use actix_web::http::header;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};

use self::format::MetricsFormat;
use super::{App, auth, to};
use crate::config::{MetricsToken, Settings};
use crate::protocol::Problem;

/// The route on the public listener, where the settings put it there.
pub fn public_metrics(config: &mut ServiceConfig, settings: &Settings) {
    if settings.metrics.are_public() {
        config.service(metrics());
    }
}

/// All that a listener for metrics has.
pub fn metrics_alone(config: &mut ServiceConfig) {
    config.service(metrics()).default_service(nothing());
}

fn metrics() -> actix_web::Resource {
    web::resource("/metrics")
        .route(to(show).method(actix_web::http::Method::GET))
        .default_service(nothing())
}

fn nothing() -> actix_web::Route {
    web::to(|| async { Err::<String, _>(Problem::not_found()) })
}

async fn show(app: App, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if let Some(token) = &app.settings.metrics.token
        && !auth::bearer(&request).is_some_and(|given| is_it(token, given))
    {
        return Err(Problem::not_found());
    }
    let connections = app.engine.counters().connections();
    let text = text::write(app.engine.overview(), connections).map_err(|error| {
        tracing::error!(%error, "can't write the metrics");
        Problem::internal()
    })?;
    let format = MetricsFormat::accepted_by(&request);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::VARY, "Accept"))
        .body(format.write(text)))
}

/// Digests are compared, so that the time it takes tells nothing of how much
/// of it was right.
fn is_it(token: &MetricsToken, given: &str) -> bool {
    Sha256::digest(token.as_bytes()) == Sha256::digest(given)
}
