//! Who asks for a WebSocket and sends something along.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::handshake::names_websocket;
use super::problem;
use crate::protocol::{Code, Problem};

/// Refuses a request with a body that asks for a WebSocket. Whatever follows
/// its head is read as a socket's stream, whatever length it says it has: who
/// waits for that body to end waits until the client goes.
pub async fn brings_no_body(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if names_websocket(request.headers()) && !request.method().is_safe() {
        let refused = Problem::new(Code::BadRequest, "A WebSocket is asked for by GET.");
        let refused = problem::response(&refused);
        return Ok(request.into_response(refused).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}
