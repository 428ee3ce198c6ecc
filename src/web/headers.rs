//! What every response says to browsers.

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;

use crate::config::{PublicUrl, Settings};

/// What a page of ours never needs, so that nothing in it ever gets it.
const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), \
     payment=(), usb=()";

/// For a year browsers come by TLS alone, once they have come by it.
const BY_TLS_ALONE: &str = "max-age=31536000";

/// The same for all names below this one, which others may serve.
const BY_TLS_ALONE_BELOW: &str = "max-age=31536000; includeSubDomains";

/// Nothing that this server sends may run, be framed, be guessed at or be
/// drawn into other sites' pages; and nothing is kept by anyone on the way,
/// since all of it is somebody's.
#[must_use]
pub fn on_every_response(settings: &Settings) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "same-origin"))
        .add((header::PERMISSIONS_POLICY, PERMISSIONS))
        .add((header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
        .add((header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"))
        .add((header::CACHE_CONTROL, "no-store"));
    let is_https = settings
        .public_url
        .as_ref()
        .is_some_and(PublicUrl::is_https);
    if !is_https {
        return headers;
    }
    let policy = match settings.hsts_subdomains {
        true => BY_TLS_ALONE_BELOW,
        false => BY_TLS_ALONE,
    };
    headers.add((header::STRICT_TRANSPORT_SECURITY, policy))
}
