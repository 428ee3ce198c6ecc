//! Rejects WebSocket requests with a body.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use crate::protocol::{ErrorCode, Problem};
use crate::web::handshake::has_websocket_upgrade;
use crate::web::problem;

/// Middleware: rejects a WebSocket request with a body. actix-http reads
/// everything after the request's head as the socket's stream, despite
/// `Content-Length`. A handler that waited for the body would wait until the
/// client disconnects.
pub(in crate::web) async fn reject_upgrade_body(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if has_websocket_upgrade(request.headers()) && !request.method().is_safe() {
        let refused = Problem::new(ErrorCode::BadRequest, "A WebSocket upgrade uses GET.");
        let refused = problem::problem_response(&refused);
        return Ok(request.into_response(refused).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}
