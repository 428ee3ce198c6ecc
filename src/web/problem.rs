//! A refusal as a response: `application/problem+json` (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};

use super::{handshake, limits};
use crate::protocol::{Code, Problem};

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        response(self)
    }
}

/// The response that says `problem`.
pub(super) fn response(problem: &Problem) -> HttpResponse {
    let mut builder = HttpResponse::build(problem.status_code());
    builder.content_type("application/problem+json");
    match problem.code {
        // RFC 6750, section 3.
        Code::Unauthenticated => builder.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
        // RFC 9110, section 15.5.22.
        // RFC 6455, section 4.4.
        Code::UpgradeRequired => builder
            .insert_header((header::UPGRADE, "websocket"))
            .insert_header((header::SEC_WEBSOCKET_VERSION, handshake::VERSION)),
        _ => &mut builder,
    };
    if let Some(seconds) = problem.retry_after {
        builder.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds)));
    }
    let mut response = builder.body(serde_json::to_string(problem).unwrap_or_default());
    if let Some(standing) = problem.standing {
        limits::say(response.headers_mut(), standing);
    }
    response.extensions_mut().insert(problem.clone());
    response
}

/// The problem that a response says.
pub(super) fn of<B>(response: &HttpResponse<B>) -> Option<Problem> {
    response.extensions().get::<Problem>().cloned()
}
