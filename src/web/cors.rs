//! What pages of other origins may ask: the API, with a bearer token. Cookies
//! are of no use to them, since browsers neither send nor show them.

use actix_cors::Cors;
use actix_web::http::{Method, header};
use actix_web::middleware::Condition;

use crate::config::Settings;

/// How long a browser may remember what it is allowed, in seconds.
const REMEMBERED: usize = 3600;

/// Answers browsers that ask on behalf of the origins that the settings name.
#[must_use]
pub fn cors(settings: &Settings) -> Condition<Cors> {
    let allowed: Vec<String> = settings
        .allowed_origins
        .iter()
        .map(|origin| origin.origin().to_owned())
        .collect();
    let is_any = !allowed.is_empty();
    let cors = Cors::default()
        .allowed_origin_fn(move |origin, request| {
            let is_api = request.uri.path().starts_with("/api/");
            is_api && allowed.iter().any(|allowed| origin == allowed.as_str())
        })
        .allowed_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::LINK, header::RETRY_AFTER])
        .max_age(REMEMBERED);
    Condition::new(is_any, cors)
}
