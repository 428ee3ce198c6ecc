//! Authenticates a request and counts it against the user's rate limit, before
//! actix extracts a handler's arguments.
//!
//! Actix polls the arguments, of which the body is one, concurrently. Without
//! this order, the error for an unauthenticated caller would depend on which
//! argument fails first.

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use entity::UserId;

use super::database_time::check_payer;
use crate::engine::rates::{RateExceeded, RateLimitStatus, RateLimiters};
use crate::protocol::{ErrorCode, Problem};
use crate::web::methods::AllowedMethods;
use crate::web::{AppData, auth, problem, rate_limit_headers};

/// Middleware: authenticates a request, counts it, and rejects it above the
/// limit.
pub(in crate::web) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    authenticate_and_limit(request, next, RateLimiters::check_request).await
}

/// Middleware: like [`authenticate`], but a `POST` counts as a message sent.
pub(in crate::web) async fn authenticate_sender(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let count = match *request.method() {
        Method::POST => RateLimiters::check_send,
        _ => RateLimiters::check_request,
    };
    authenticate_and_limit(request, next, count).await
}

type RateCheck = fn(&RateLimiters, UserId) -> Result<Option<RateLimitStatus>, RateExceeded>;

/// Checks the method, the login and the rate limit, and only then the body.
async fn authenticate_and_limit(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    count: RateCheck,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Some(refused) = reject_method(&request) {
        return Ok(request.into_response(refused).map_into_right_body());
    }
    let seen = auth::authenticate_request(request.request()).await;
    let counted = match (&seen, request.app_data::<AppData>()) {
        (Ok(seen), Some(app)) => count(app.engine.rates(), seen.login.user.id),
        _ => check_payer(request.request()).map(|()| None),
    };
    let standing = match counted {
        Ok(standing) => standing,
        Err(too_much) => {
            let refused = problem::problem_response(&too_much.into());
            return Ok(request.into_response(refused).map_into_right_body());
        }
    };
    auth::record_outcome(&mut request, seen).await;
    let mut response = next.call(request).await?.map_into_left_body();
    // Keep the headers of another limit that rejected the request.
    if let Some(standing) = standing
        && !response.headers().contains_key(rate_limit_headers::LIMIT)
    {
        rate_limit_headers::write_headers(response.headers_mut(), standing);
    }
    Ok(response)
}

/// Middleware: passes only requests of admins. All others get 404, for each
/// method.
pub(in crate::web) async fn require_admin(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let seen = auth::authenticate_request(request.request()).await;
    let is_let_in = match &seen {
        Ok(seen) => seen.login.user.is_admin,
        Err(problem) => problem.code != ErrorCode::Unauthenticated,
    };
    let refused = if is_let_in {
        reject_method(&request)
    } else {
        Some(problem::problem_response(&Problem::not_found()))
    };
    if let Some(refused) = refused {
        return Ok(request.into_response(refused).map_into_right_body());
    }
    auth::record_outcome(&mut request, seen).await;
    Ok(next.call(request).await?.map_into_left_body())
}

/// Middleware: like [`require_admin`], but passes a `GET`, the handshake of the
/// admin socket, to its handler. The handler reads the token, which a handshake
/// may carry in places where other requests may not.
pub(in crate::web) async fn require_admin_or_handshake(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let answer = match *request.method() {
        Method::GET => next.call(request).await?.map_into_boxed_body(),
        _ => require_admin(request, next).await?.map_into_boxed_body(),
    };
    Ok(answer)
}

fn reject_method(request: &ServiceRequest) -> Option<HttpResponse> {
    let allowed = request.app_data::<AllowedMethods>()?;
    (!allowed.has(request.method())).then(|| allowed.not_allowed_response())
}
