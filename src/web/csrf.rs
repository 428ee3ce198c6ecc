//! CSRF protection: other sites' pages must not act with our cookies.
//!
//! A request that comes by cookie and may change something must carry the
//! login's CSRF token, in a header or a form field. [`super::auth`] checks the
//! token. A socket's handshake can carry neither, so its `Origin` must be ours.

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::header;
use entity::LoginId;

use super::AppState;
use super::body::{self, CSRF_FIELD, is_form};
use super::security_log::log_event;
use crate::protocol::{ErrorCode, Problem};
use crate::telemetry::LimitedLine;

/// The header with the token, and its name in Django.
const CSRF_HEADERS: [&str; 2] = ["x-csrf-token", "x-csrftoken"];

/// Rejects a request by cookie that may change something and lacks the login's
/// CSRF token. Without a header, the token is read from the form; the rate
/// limit was checked before.
pub(super) async fn check_token(
    app: &AppState,
    request: &mut ServiceRequest,
    login: LoginId,
) -> Result<(), Problem> {
    if request.method().is_safe() {
        return Ok(());
    }
    let headers = request.headers();
    let in_header = CSRF_HEADERS.iter().find_map(|name| headers.get(*name));
    let token = match in_header.and_then(|value| value.to_str().ok()) {
        Some(token) => Some(token.to_owned()),
        None if is_form(request.request()) => form_token(request).await?,
        None => None,
    };
    match token {
        Some(token) if app.csrf.verify_for_login(login, &token) => Ok(()),
        _ => Err(csrf_failed()),
    }
}

async fn form_token(request: &mut ServiceRequest) -> Result<Option<String>, Problem> {
    let bytes = body::preread_body(request).await?;
    let mut pairs = body::decode_form(&bytes)?.into_iter();
    let token = pairs.find(|(name, _)| name == CSRF_FIELD);
    Ok(token.map(|(_, token)| token))
}

pub(super) fn csrf_failed() -> Problem {
    Problem::new(
        ErrorCode::CsrfFailed,
        "This form has expired, or didn't come from this site. Reload the page.",
    )
}

/// Returns the problem of a form that came without the cookie of its page.
pub(super) fn cookie_missing() -> Problem {
    Problem::new(
        ErrorCode::CsrfFailed,
        "Your browser must allow cookies for this site.",
    )
}

/// Rejects a handshake by cookie that doesn't come from our pages.
pub(super) fn check_origin(app: &AppState, request: &HttpRequest) -> Result<(), Problem> {
    // Reject several Origin headers: a proxy may trust a different one than we
    // do.
    let text = |name| {
        let mut values = request.headers().get_all(name);
        let only = values.next().filter(|_| values.next().is_none());
        only.and_then(|value| value.to_str().ok())
    };
    let origin = text(header::ORIGIN).unwrap_or_default();
    let is_ours = match &app.settings.public_url {
        Some(public) => origin == public.origin(),
        None => is_same_host(origin, text(header::HOST).unwrap_or_default()),
    };
    if is_ours {
        return Ok(());
    }
    log_event(app, request, LimitedLine::OriginRefused, None);
    Err(Problem::new(
        ErrorCode::BadOrigin,
        "Only pages of this site may open a socket with a cookie.",
    ))
}

/// Returns whether an `Origin` matches this `Host`. Browsers omit a scheme's
/// default port in both; other clients may not.
fn is_same_host(origin: &str, host: &str) -> bool {
    let Some((scheme, place)) = origin.split_once("://") else {
        return false;
    };
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |place: &str| {
        let place = place.to_ascii_lowercase();
        place
            .strip_suffix(own_port)
            .map(str::to_owned)
            .unwrap_or(place)
    };
    !host.is_empty() && bare(place) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::is_same_host;

    #[test]
    fn origin_matches_host_and_port() {
        for (origin, host, is_ours) in [
            ("http://localhost:8000", "localhost:8000", true),
            ("https://chat.example.org", "chat.example.org", true),
            ("https://chat.example.org", "Chat.Example.org:443", true),
            ("http://[::1]:8000", "[::1]:8000", true),
            ("http://localhost:8001", "localhost:8000", false),
            ("http://localhost", "localhost:443", false),
            ("http://evil.example", "localhost:8000", false),
            (
                "http://localhost:8000.evil.example",
                "localhost:8000",
                false,
            ),
            ("null", "localhost:8000", false),
            ("", "", false),
            ("http://", "", false),
            ("file://", "localhost", false),
        ] {
            assert_eq!(is_same_host(origin, host), is_ours, "{origin} at {host}");
        }
    }
}
