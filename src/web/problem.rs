//! An error as a response: `application/problem+json` (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};

use super::{handshake, rate_limit_headers};
use crate::protocol::{ErrorCode, Problem};

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        problem_response(self)
    }
}

/// Returns the response for `problem`.
pub(super) fn problem_response(problem: &Problem) -> HttpResponse {
    let mut builder = HttpResponse::build(problem.status_code());
    builder.content_type("application/problem+json");
    match problem.code {
        // RFC 6750, section 3.
        ErrorCode::Unauthenticated => builder.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
        // RFC 9110, section 15.5.22; RFC 6455, section 4.4.
        ErrorCode::UpgradeRequired => builder
            .insert_header((header::UPGRADE, "websocket"))
            .insert_header((header::SEC_WEBSOCKET_VERSION, handshake::WEBSOCKET_VERSION)),
        _ => &mut builder,
    };
    if let Some(seconds) = problem.retry_after {
        builder.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds)));
    }
    let mut response = builder.body(serde_json::to_string(problem).unwrap_or_default());
    if let Some(standing) = problem.rate_limit {
        rate_limit_headers::write_headers(response.headers_mut(), standing);
    }
    response.extensions_mut().insert(problem.clone());
    response
}

/// Returns the problem of an error response.
pub(super) fn find_problem<B>(response: &HttpResponse<B>) -> Option<Problem> {
    response.extensions().get::<Problem>().cloned()
}
