//! What keeps other sites' pages from acting by our cookies.
//!
//! A request that comes by cookie and may change something brings the login's
//! token, in a header or in a form's field; [`super::auth`] looks at it. A
//! socket's handshake, which can bring neither, comes from one of our pages:
//! browsers say from which in `Origin`.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest};
use entity::LoginId;

use super::body::{self, is_form};
use super::cookies::Jar;
use super::security_lines::note;
use super::{App, State, problem};
use crate::protocol::{Code, Problem};
use crate::telemetry::LimitedLine;

const HEADER: &str = "x-csrf-token";
const FIELD: &str = "csrf_token";

/// The token that stood in a form.
struct InForm(String);

/// Notes the token of a form before its handler takes the body, of which it
/// sees nothing less for it. Only those that come with a login's cookie need
/// one.
pub async fn note_form_token(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if comes_as_form(&request) {
        let (head, payload) = request.parts_mut();
        let bytes = match body::read(head, payload).await {
            Ok(bytes) => bytes,
            Err(problem) => {
                let refused = problem::response(&problem);
                return Ok(request.into_response(refused).map_into_right_body());
            }
        };
        let token = form_urlencoded::parse(&bytes).find(|(name, _)| name == FIELD);
        if let Some((_, token)) = token {
            request.extensions_mut().insert(InForm(token.into_owned()));
        }
        request.set_payload(actix_web::dev::Payload::from(bytes));
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn comes_as_form(request: &ServiceRequest) -> bool {
    let settings = request.app_data::<App>().map(|app| &app.settings);
    let request = request.request();
    settings.is_some_and(|settings| Jar::Login.of(request, settings).is_some())
        && !request.method().is_safe()
        && is_form(request)
}

/// Refuses what may change something and comes by this login's cookie, but
/// not from our own pages.
pub(super) fn check(app: &State, request: &HttpRequest, login: LoginId) -> Result<(), Problem> {
    if request.method().is_safe() {
        return Ok(());
    }
    let in_header = request.headers().get(HEADER).and_then(|v| v.to_str().ok());
    let extensions = request.extensions();
    let in_form = extensions.get::<InForm>().map(|InForm(token)| &**token);
    match in_header.or(in_form) {
        Some(token) if app.csrf.is_of_login(login, token) => Ok(()),
        _ => Err(failed()),
    }
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
