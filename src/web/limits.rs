//! How somebody stands with a limit, as headers (`RateLimit-*` of
//! draft-ietf-httpapi-ratelimit-headers-06): so much at once, so much of it
//! left, and all of it there again in so many seconds.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::protocol::problem::Standing;

pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
pub(super) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
pub(super) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Says it.
pub(super) fn say(headers: &mut HeaderMap, standing: Standing) {
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(standing.reset));
}
