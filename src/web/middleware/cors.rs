//! CORS: pages of other origins may use the API with a bearer token. Such pages
//! can't use our cookies: browsers neither send nor expose them.

use actix_cors::{Cors, CorsError};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::{Condition, Next};

use crate::config::Settings;
use crate::protocol::{ErrorCode, Problem};
use crate::telemetry::LimitedLine;
use crate::web::security_log::log_event;
use crate::web::{AppData, problem, rate_limit_headers};

/// How long a browser may cache the result of a preflight request, in seconds.
const PREFLIGHT_MAX_AGE: usize = 3600;

/// The paths of the API: `/api`, and direct conversations by name.
const API_PATHS: [&str; 5] = [
    "/api/",
    "/messages/history/",
    "/messages/send/",
    "/messages/status/",
    "/messages/unread",
];

/// Returns whether a path takes a bearer token. All other paths are pages,
/// which use a cookie.
fn is_api(path: &str) -> bool {
    API_PATHS.iter().any(|root| {
        if root.ends_with('/') {
            path.starts_with(root)
        } else {
            path == *root
        }
    })
}

/// Middleware: answers preflight requests for the origins named in the settings.
pub(in crate::web) fn build_cors(settings: &Settings) -> Condition<Cors> {
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
            rate_limit_headers::LIMIT,
            rate_limit_headers::REMAINING,
            rate_limit_headers::RESET,
        ])
        .max_age(PREFLIGHT_MAX_AGE);
    Condition::new(is_any, cors)
}

/// Middleware: replaces the text of a CORS rejection with a problem document.
pub(in crate::web) async fn explain_cors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answer = next.call(request).await?;
    let refused = answer.response().error().and_then(Error::as_error);
    let Some(refused) = refused.map(cors_problem) else {
        return Ok(answer.map_into_left_body());
    };
    if let (ErrorCode::BadOrigin, Some(app)) =
        (refused.code, answer.request().app_data::<AppData>())
    {
        log_event(app, answer.request(), LimitedLine::OriginRefused, None);
    }
    let explained = problem::problem_response(&refused).map_into_right_body();
    Ok(answer.into_response(explained))
}

fn cors_problem(error: &CorsError) -> Problem {
    match error {
        CorsError::OriginNotAllowed | CorsError::MissingOrigin => {
            Problem::new(ErrorCode::BadOrigin, "This origin is not allowed.")
        }
        _ => Problem::new(
            ErrorCode::BadRequest,
            "Other origins may not use this method or these headers.",
        ),
    }
}
