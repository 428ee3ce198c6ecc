//! What keeps other sites' pages from acting by our cookies.
//!
//! A request that comes by cookie and may change something brings the login's
//! token, in a header or in a form's field; [`super::auth`] looks at it. A
//! socket's handshake, which can bring neither, comes from one of our pages:
//! browsers say from which in `Origin`.

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::header;
use entity::LoginId;

use super::body::{self, is_form};
use super::security_lines::note;
use super::{State, decoding};
use crate::protocol::{Code, Problem};
use crate::telemetry::LimitedLine;

const HEADER: &str = "x-csrf-token";
const FIELD: &str = "csrf_token";

/// Refuses what may change something and comes by this login's cookie, but
/// not from our own pages. Of a form without the header the body is read, for
/// its token: the login is known by then, and what it may ask is counted.
pub(super) async fn check(
    app: &State,
    request: &mut ServiceRequest,
    login: LoginId,
) -> Result<(), Problem> {
    if request.method().is_safe() {
        return Ok(());
    }
    let in_header = request.headers().get(HEADER);
    let token = match in_header.and_then(|value| value.to_str().ok()) {
        Some(token) => Some(token.to_owned()),
        None if is_form(request.request()) => token_of_form(request).await?,
        None => None,
    };
    match token {
        Some(token) if app.csrf.is_of_login(login, &token) => Ok(()),
        _ => Err(failed()),
    }
}

async fn token_of_form(request: &mut ServiceRequest) -> Result<Option<String>, Problem> {
    let bytes = body::read_ahead(request).await?;
    let mut pairs = decoding::pairs(&bytes)?.into_iter();
    let token = pairs.find(|(name, _)| name == FIELD);
    Ok(token.map(|(_, token)| token))
}

pub(super) fn failed() -> Problem {
    Problem::new(
        Code::CsrfFailed,
        "This didn't come from one of our pages, or the page is too old: reload it.",
    )
}

/// Refuses a handshake by cookie that no page of ours makes.
pub(super) fn check_origin(app: &State, request: &HttpRequest) -> Result<(), Problem> {
    // A browser names one; of two, whoever else looks may take the other.
    let text = |name| {
        let mut values = request.headers().get_all(name);
        let only = values.next().filter(|_| values.next().is_none());
        only.and_then(|value| value.to_str().ok())
    };
    let origin = text(header::ORIGIN).unwrap_or_default();
    let is_ours = match &app.settings.public_url {
        Some(public) => origin == public.origin(),
        None => is_at(origin, text(header::HOST).unwrap_or_default()),
    };
    if is_ours {
        return Ok(());
    }
    note(app, request, (LimitedLine::OriginRefused, None));
    Err(Problem::new(
        Code::BadOrigin,
        "Only our own pages may open a socket by cookie.",
    ))
}

/// Whether an `Origin` is at this `Host`. Browsers leave a scheme's own port
/// out of both; others may not.
fn is_at(origin: &str, host: &str) -> bool {
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
    use super::is_at;

    #[test]
    fn an_origin_is_at_its_host_and_port() {
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
            assert_eq!(is_at(origin, host), is_ours, "{origin} at {host}");
        }
    }
}
