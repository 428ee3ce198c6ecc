//! Who takes nothing that we could send gets it plain all the same.

use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, AcceptEncoding, Encoding, Header};
use actix_web::middleware::Next;

/// Leaves a demand out that can't be met, as RFC 9110 (section 12.5.3) lets a
/// server do. What compresses would refuse it, in words of its own.
pub async fn can_be_met(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if is_beyond_us(&request) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    next.call(request).await
}

fn is_beyond_us(request: &impl HttpMessage) -> bool {
    let ours = [Encoding::identity(), Encoding::gzip()];
    let wanted = AcceptEncoding::parse(request);
    wanted.is_ok_and(|wanted| wanted.negotiate(ours.iter()).is_none())
}
