//! Falls back to `identity` if Accept-Encoding allows none of our encodings.

use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, AcceptEncoding, Encoding, Header};
use actix_web::middleware::Next;

/// Middleware: removes an `Accept-Encoding` that we can't satisfy, as RFC 9110
/// (section 12.5.3) permits. Otherwise the compression middleware would reject
/// the request with a text of its own.
pub(in crate::web) async fn ignore_unsupported_encodings(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if accepts_no_encoding(&request) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    next.call(request).await
}

fn accepts_no_encoding(request: &impl HttpMessage) -> bool {
    let ours = [Encoding::identity(), Encoding::gzip()];
    let wanted = AcceptEncoding::parse(request);
    wanted.is_ok_and(|wanted| wanted.negotiate(ours.iter()).is_none())
}
