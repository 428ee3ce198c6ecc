//! What every response says to browsers.

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;

/// Nothing that this server sends may run, be framed, or be guessed at; and
/// nothing is kept by anyone on the way, since all of it is somebody's.
#[must_use]
pub fn on_every_response() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "same-origin"))
        .add((header::CACHE_CONTROL, "no-store"))
}
