//! The state of a rate limit as headers (`RateLimit-*` of
//! draft-ietf-httpapi-ratelimit-headers-06). They hold the burst size, the
//! remaining requests, and the seconds until the full burst is available again.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::protocol::problem::RateLimitStatus;

pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
pub(super) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
pub(super) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Writes the three headers.
pub(super) fn write_headers(headers: &mut HeaderMap, standing: RateLimitStatus) {
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(standing.reset));
}
