//! The only file that uses `actix_web_actors`: the socket of a session.
//!
//! That crate is deprecated upstream and has gaps, which are closed here. It
//! buffers a whole frame before it checks the length, and accepts some invalid
//! frames (see `frame_guard`). It doesn't join fragments (see `fragments`). An
//! actor whose client stops reading is never polled again, so its heartbeat
//! can't end it: [`set_socket_options`] makes the kernel end such a connection.

use std::io::ErrorKind;
use std::time::Duration;

use actix::{Actor, ActorContext, StreamHandler};
use actix_http::ws::{Codec, Item, hash_key};
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Payload;
use actix_web_actors::ws;
use bytestring::ByteString;

use super::fragments::FragmentKind;
use super::frame_guard::{FrameFault, FrameGuard};
use super::{PulseWatch, Session};
use crate::protocol::CloseCode;
use crate::telemetry::{LimitedLine, admit_line};

pub(super) type SocketContext = ws::WebsocketContext<Session>;
pub(super) type WatchContext = ws::WebsocketContext<PulseWatch>;

/// The only subprotocol (RFC 6455, section 1.9).
pub const SUBPROTOCOL: &str = "tidings.v1";

/// The time that unsent bytes may wait for the client's kernel to take them.
const UNSENT_TIMEOUT: Duration = Duration::from_secs(15);
/// Unsent bytes that our kernel keeps for a connection; its default is
/// megabytes.
const KERNEL_BUFFER: usize = 128 * 1024;

/// The maximum size of a frame from an admin's client, which needn't send any.
const WATCH_FRAME_MAX: usize = 1024;

/// The parts of a handshake request that the response needs.
pub struct Handshake {
    /// `Sec-WebSocket-Key`, from which the response derives its accept header.
    pub key: String,
    /// The client offers [`SUBPROTOCOL`].
    pub offers_subprotocol: bool,
}

/// Opens a socket.
#[must_use]
pub fn open_session(session: Session, handshake: &Handshake, payload: Payload) -> HttpResponse {
    let frame_max = session.engine.inner.settings.limits.frame_max;
    start_socket(session, handshake, payload, frame_max)
}

/// Opens an admin's socket, on which only the server sends.
#[must_use]
pub fn open_watch(watch: PulseWatch, handshake: &Handshake, payload: Payload) -> HttpResponse {
    start_socket(watch, handshake, payload, WATCH_FRAME_MAX)
}

fn start_socket<A>(
    actor: A,
    handshake: &Handshake,
    payload: Payload,
    frame_max: usize,
) -> HttpResponse
where
    A: Actor<Context = ws::WebsocketContext<A>>
        + StreamHandler<Result<ws::Message, ws::ProtocolError>>,
{
    let codec = Codec::new().max_size(frame_max);
    let frames = FrameGuard::new(payload, frame_max);
    let stream = ws::WebsocketContext::with_codec(actor, frames, codec);
    let accept = hash_key(handshake.key.as_bytes());
    let mut response = HttpResponse::SwitchingProtocols();
    response.upgrade("websocket").insert_header((
        header::SEC_WEBSOCKET_ACCEPT,
        String::from_utf8_lossy(&accept).as_ref(),
    ));
    if handshake.offers_subprotocol {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    response.streaming(stream)
}

/// Makes the kernel end a connection whose client stops reading. Called for
/// each accepted connection.
pub fn set_socket_options(stream: &actix_web::rt::net::TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let done = socket
        .set_tcp_user_timeout(Some(UNSENT_TIMEOUT))
        .and_then(|()| socket.set_send_buffer_size(KERNEL_BUFFER))
        .and_then(|()| socket.set_tcp_nodelay(true));
    if let Err(error) = done
        && admit_line(LimitedLine::ConnectionRefused)
    {
        tracing::warn!(%error, "can't set the options of a socket");
    }
}

pub(super) fn write_text<A: Actor<Context = ws::WebsocketContext<A>>>(
    ctx: &mut ws::WebsocketContext<A>,
    text: ByteString,
) {
    ctx.text(text);
}

pub(super) fn send_ping(ctx: &mut SocketContext) {
    ctx.ping(b"");
}

pub(super) fn close_socket<A: Actor<Context = ws::WebsocketContext<A>>>(
    ctx: &mut ws::WebsocketContext<A>,
    code: CloseCode,
) {
    ctx.close(Some(ws::CloseReason {
        code: ws::CloseCode::from(code.number()),
        description: Some(code.reason().to_owned()),
    }));
    ctx.stop();
}

impl Actor for Session {
    type Context = SocketContext;

    fn started(&mut self, ctx: &mut SocketContext) {
        self.register(ctx);
        self.start_timers(ctx);
        self.send_hello(ctx);
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Session {
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        // Frames that are cheap to send are costly to handle.
        if !self.frame_bucket.take() {
            return self.close(CloseCode::Abuse, ctx);
        }
        self.note_activity();
        match message {
            Ok(ws::Message::Text(_)) if self.fragments.is_busy() => {
                self.close(CloseCode::Protocol, ctx);
            }
            Ok(ws::Message::Text(text)) => self.handle_text(&text, ctx),
            Ok(ws::Message::Binary(_)) => self.close(CloseCode::Binary, ctx),
            Ok(ws::Message::Continuation(item)) => self.take_fragment(item, ctx),
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Close(reason)) => {
                self.is_closing = true;
                ctx.close(reason);
                ctx.stop();
            }
            Err(error) => self.close(close_code_of(&error), ctx),
        }
    }
}

impl Actor for PulseWatch {
    type Context = WatchContext;

    fn started(&mut self, ctx: &mut WatchContext) {
        self.start_stream(ctx);
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for PulseWatch {
    /// Ignores the client's frames, apart from ping and close.
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut WatchContext) {
        match message {
            Ok(_) if !self.frame_bucket.take() => close_socket(ctx, CloseCode::Abuse),
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Ok(_) => {}
            Err(error) => self.close(close_code_of(&error), ctx),
        }
    }
}

impl Session {
    fn take_fragment(&mut self, item: Item, ctx: &mut SocketContext) {
        let taken = match item {
            Item::FirstBinary(_) => Err(CloseCode::Binary),
            Item::FirstText(bytes) => self.fragments.take(FragmentKind::First, &bytes),
            Item::Continue(bytes) => self.fragments.take(FragmentKind::Middle, &bytes),
            Item::Last(bytes) => self.fragments.take(FragmentKind::Last, &bytes),
        };
        match taken {
            Ok(None) => {}
            Ok(Some(text)) => self.handle_text(&text, ctx),
            Err(code) => self.close(code, ctx),
        }
    }
}

/// Returns the code to close with. On a broken connection the client doesn't
/// get it.
fn close_code_of(error: &ws::ProtocolError) -> CloseCode {
    match error {
        ws::ProtocolError::Overflow => CloseCode::TooLarge,
        // The codec itself reports some faults this way.
        ws::ProtocolError::Io(error) if error.kind() == ErrorKind::InvalidData => {
            CloseCode::Protocol
        }
        ws::ProtocolError::Io(error) => close_code_of_text(&error.to_string()),
        _ => CloseCode::Protocol,
    }
}

/// The crate passes these errors on as text only.
fn close_code_of_text(error: &str) -> CloseCode {
    if let Some(fault) = FrameFault::named_in(error) {
        fault.close_code()
    } else if error.contains("utf-8") {
        CloseCode::NotUtf8
    } else {
        CloseCode::Away
    }
}
