//! Checks of a WebSocket handshake (RFC 6455, section 4.2.1).

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, Version};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::lists;
use crate::engine::session::{Handshake, SUBPROTOCOL};
use crate::protocol::{Code, Problem};

/// The one version of the protocol that is spoken (RFC 6455).
pub(super) const VERSION: &str = "13";

/// The length of a key, in bytes.
const KEY: usize = 16;

/// A client that draws characters instead of bytes sets bits behind the last
/// byte, which nobody reads.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Reads the handshake of a request.
///
/// # Errors
/// `upgrade_required` if it asks for no WebSocket or another version;
/// `bad_request` if it breaks a rule.
pub(super) fn read(request: &HttpRequest) -> Result<Handshake, Problem> {
    if !asks_for_websocket(request) {
        return Err(Problem::new(
            Code::UpgradeRequired,
            "This is the door of a WebSocket: ask for the upgrade.",
        ));
    }
    let version = single(request, header::SEC_WEBSOCKET_VERSION);
    let version = version.ok_or_else(|| malformed("Sec-WebSocket-Version is needed, once."))?;
    if version != VERSION {
        return Err(Problem::new(
            Code::UpgradeRequired,
            "Only version 13 of the WebSocket protocol is spoken here.",
        ));
    }
    let key = single(request, header::SEC_WEBSOCKET_KEY);
    let key = key.filter(|key| LENIENT.decode(key).is_ok_and(|bytes| bytes.len() == KEY));
    let key =
        key.ok_or_else(|| malformed("Sec-WebSocket-Key is needed, once: 16 bytes in Base64."))?;
    let mut offers = lists::items(request.headers(), header::SEC_WEBSOCKET_PROTOCOL);
    Ok(Handshake {
        key: key.to_owned(),
        is_offered: offers.any(|offer| offer == SUBPROTOCOL),
    })
}

/// HTTP/1.0 knows no upgrade (RFC 9110, section 7.8).
fn asks_for_websocket(request: &HttpRequest) -> bool {
    *request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && names_websocket(request.headers())
        && request.head().upgrade()
}

/// Whether a line of `Upgrade` is `websocket`, which begins a stream of frames.
/// A longer list in one line begins none, so that nothing is upgraded by it.
pub(super) fn names_websocket(headers: &header::HeaderMap) -> bool {
    let mut lines = headers.get_all(header::UPGRADE);
    lines.any(|line| {
        let line = line.as_bytes().trim_ascii();
        line.eq_ignore_ascii_case(b"websocket")
    })
}

/// The value of a header that comes in one line.
fn single(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    let mut lines = request.headers().get_all(name);
    let line = lines.next()?.to_str().ok()?.trim();
    lines.next().is_none().then_some(line)
}

fn malformed(why: &str) -> Problem {
    Problem::new(
        Code::BadRequest,
        format!("The handshake is malformed. {why}"),
    )
}
