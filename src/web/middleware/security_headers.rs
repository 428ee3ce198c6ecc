//! Security headers of every response.

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;

use crate::config::{PublicUrl, Settings};

/// Browser features that our pages never need, denied to them.
const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), \
     payment=(), usb=()";

/// Browsers that have connected by TLS use only TLS for a year.
const HSTS_POLICY: &str = "max-age=31536000";

/// Like [`HSTS_POLICY`], and also for all subdomains, even those on other
/// servers.
const HSTS_SUBDOMAINS_POLICY: &str = "max-age=31536000; includeSubDomains";

/// Middleware: adds the default headers. Responses can't run scripts, be framed,
/// have their type guessed or be embedded by other sites. No cache may store
/// them, since they are private by default.
pub(in crate::web) fn default_headers(settings: &Settings) -> DefaultHeaders {
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
    let policy = if settings.hsts_subdomains {
        HSTS_SUBDOMAINS_POLICY
    } else {
        HSTS_POLICY
    };
    headers.add((header::STRICT_TRANSPORT_SECURITY, policy))
}
