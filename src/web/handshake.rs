//! Checks of a WebSocket handshake (RFC 6455, section 4.2.1).

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, Version};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::header_lists;
use crate::engine::session::{Handshake, SUBPROTOCOL};
use crate::protocol::{ErrorCode, Problem};

/// The only supported version of the protocol (RFC 6455).
pub(super) const WEBSOCKET_VERSION: &str = "13";

/// The length of a decoded `Sec-WebSocket-Key`, in bytes.
const KEY_LENGTH: usize = 16;

/// Some clients generate random characters instead of bytes, and so set unused
/// bits after the last byte. This decoder ignores those bits.
const KEY_DECODER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Reads the handshake of a request.
///
/// # Errors
///
/// `upgrade_required` if the request is no WebSocket handshake or has another
/// version; `bad_request` if it breaks a rule.
pub(super) fn read_handshake(request: &HttpRequest) -> Result<Handshake, Problem> {
    if !is_websocket_request(request) {
        return Err(Problem::new(
            ErrorCode::UpgradeRequired,
            "This is a WebSocket endpoint: request the upgrade.",
        ));
    }
    let version = single_header(request, header::SEC_WEBSOCKET_VERSION);
    let version =
        version.ok_or_else(|| malformed("Sec-WebSocket-Version is required exactly once."))?;
    if version != WEBSOCKET_VERSION {
        return Err(Problem::new(
            ErrorCode::UpgradeRequired,
            "Only version 13 of the WebSocket protocol is supported.",
        ));
    }
    let key = single_header(request, header::SEC_WEBSOCKET_KEY);
    let key = key.filter(|key| {
        KEY_DECODER
            .decode(key)
            .is_ok_and(|bytes| bytes.len() == KEY_LENGTH)
    });
    let key = key.ok_or_else(|| {
        malformed("Sec-WebSocket-Key is required exactly once: 16 bytes in Base64.")
    })?;
    let mut offers = header_lists::list_items(request.headers(), header::SEC_WEBSOCKET_PROTOCOL);
    Ok(Handshake {
        key: key.to_owned(),
        offers_subprotocol: offers.any(|offer| offer == SUBPROTOCOL),
    })
}

/// Returns whether a request asks for a WebSocket. HTTP/1.0 has no upgrade (RFC
/// 9110, section 7.8).
fn is_websocket_request(request: &HttpRequest) -> bool {
    *request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has_websocket_upgrade(request.headers())
        && request.head().upgrade()
}

/// Returns whether a line of `Upgrade` is exactly `websocket`. Only then does
/// actix-http treat the bytes after the head as frames. A line that lists
/// several protocols has no effect.
pub(super) fn has_websocket_upgrade(headers: &header::HeaderMap) -> bool {
    let mut lines = headers.get_all(header::UPGRADE);
    lines.any(|line| {
        let line = line.as_bytes().trim_ascii();
        line.eq_ignore_ascii_case(b"websocket")
    })
}

/// Returns the value of a header that is present exactly once.
fn single_header(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    let mut lines = request.headers().get_all(name);
    let line = lines.next()?.to_str().ok()?.trim();
    lines.next().is_none().then_some(line)
}

fn malformed(why: &str) -> Problem {
    Problem::new(
        ErrorCode::BadRequest,
        format!("The handshake is malformed. {why}"),
    )
}
