//! What pages of other origins may ask: the API, with a bearer token. Cookies
//! are of no use to them, since browsers neither send nor show them.

use actix_cors::{Cors, CorsError};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::{Condition, Next};

use super::security_lines::note;
use super::{App, limits, problem};
use crate::config::Settings;
use crate::protocol::{Code, Problem};
use crate::telemetry::LimitedLine;

/// How long a browser may remember what it is allowed, in seconds.
const REMEMBERED: usize = 3600;

/// Where the endpoints are that answer programs: those of `/api`, and direct
/// conversations by name.
const API: [&str; 5] = [
    "/api/",
    "/messages/history/",
    "/messages/send/",
    "/messages/status/",
    "/messages/unread",
];

/// Whether a bearer token is what this path is for. All others are pages, which
/// come with a cookie.
fn is_api(path: &str) -> bool {
    API.iter().any(|root| match root.ends_with('/') {
        true => path.starts_with(root),
        false => path == *root,
    })
}

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
            is_api(request.uri.path()) && allowed.iter().any(|allowed| origin == allowed.as_str())
        })
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([
            header::LINK,
            header::RETRY_AFTER,
            limits::LIMIT,
            limits::REMAINING,
            limits::RESET,
        ])
        .max_age(REMEMBERED);
    Condition::new(is_any, cors)
}

/// Says in our own words why a browser's question is answered with no.
pub async fn explain_cors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answer = next.call(request).await?;
    let refused = answer.response().error().and_then(Error::as_error);
    let Some(refused) = refused.map(refusal) else {
        return Ok(answer.map_into_left_body());
    };
    if let (Code::BadOrigin, Some(app)) = (refused.code, answer.request().app_data::<App>()) {
        note(app, answer.request(), (LimitedLine::OriginRefused, None));
    }
    let told = problem::response(&refused).map_into_right_body();
    Ok(answer.into_response(told))
}

fn refusal(error: &CorsError) -> Problem {
    match error {
        CorsError::OriginNotAllowed | CorsError::MissingOrigin => {
            Problem::new(Code::BadOrigin, "Pages of this origin may not ask here.")
        }
        _ => Problem::new(
            Code::BadRequest,
            "Pages of other origins may not ask by this method or with these headers.",
        ),
    }
}
