//! The one file that names `actix_web_actors`: what a socket is made of.
//!
//! That crate is deprecated upstream and leaves holes, which are closed here:
//! a frame is buffered whole before its length is looked at, and some broken
//! frames are accepted (see `frame_guard`), pieces of a message aren't put together (see
//! `fragments`), and an actor whose client stops reading is never polled
//! again, so that no heartbeat of its own can end it. Against the last,
//! [`secure`] makes the kernel end such a connection.

use std::io::ErrorKind;
use std::time::Duration;

use actix::{Actor, ActorContext, StreamHandler};
use actix_http::ws::{Codec, Item, hash_key};
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Payload;
use actix_web_actors::ws;
use bytestring::ByteString;

use super::fragments::Piece;
use super::frame_guard::{FrameFault, FrameGuard};
use super::{Session, Watch};
use crate::protocol::CloseCode;
use crate::telemetry::{LimitedLine, admit_line};

pub(super) type SocketContext = ws::WebsocketContext<Session>;
pub(super) type WatchContext = ws::WebsocketContext<Watch>;

/// The one subprotocol there is (RFC 6455, section 1.9).
pub const SUBPROTOCOL: &str = "tidings.v1";

/// How long unsent bytes may wait for the client's kernel to take them.
const UNSENT_TIMEOUT: Duration = Duration::from_secs(15);
/// Unsent bytes that our kernel keeps for a connection; by itself it would
/// take megabytes.
const KERNEL_BUFFER: usize = 128 * 1024;

/// The largest frame from an admin's client, which has nothing to say.
const WATCH_FRAME_MAX: usize = 1024;

/// What the answer to a handshake takes from it.
pub struct Handshake {
    /// `Sec-WebSocket-Key`, which the answer proves to have read.
    pub key: String,
    /// The client offers [`SUBPROTOCOL`].
    pub is_offered: bool,
}

/// Opens a socket.
#[must_use]
pub fn open(session: Session, handshake: &Handshake, payload: Payload) -> HttpResponse {
    let most = session.engine.inner.settings.limits.frame_max;
    start(session, handshake, payload, most)
}

/// Opens an admin's socket, on which the server alone speaks.
#[must_use]
pub fn open_watch(watch: Watch, handshake: &Handshake, payload: Payload) -> HttpResponse {
    start(watch, handshake, payload, WATCH_FRAME_MAX)
}

fn start<A>(actor: A, handshake: &Handshake, payload: Payload, most: usize) -> HttpResponse
where
    A: Actor<Context = ws::WebsocketContext<A>>
        + StreamHandler<Result<ws::Message, ws::ProtocolError>>,
{
    let codec = Codec::new().max_size(most);
    let frames = FrameGuard::new(payload, most);
    let stream = ws::WebsocketContext::with_codec(actor, frames, codec);
    let accept = hash_key(handshake.key.as_bytes());
    let mut response = HttpResponse::SwitchingProtocols();
    response.upgrade("websocket").insert_header((
        header::SEC_WEBSOCKET_ACCEPT,
        String::from_utf8_lossy(&accept).as_ref(),
    ));
    if handshake.is_offered {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    response.streaming(stream)
}

/// Makes the kernel end a connection whose client takes nothing any more:
/// called for each one that is accepted.
pub fn secure(stream: &actix_web::rt::net::TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let done = socket
        .set_tcp_user_timeout(Some(UNSENT_TIMEOUT))
        .and_then(|()| socket.set_send_buffer_size(KERNEL_BUFFER))
        .and_then(|()| socket.set_tcp_nodelay(true));
    if let Err(error) = done
        && admit_line(LimitedLine::ConnectionRefused)
    {
        tracing::warn!(%error, "can't secure a connection");
    }
}

pub(super) fn write<A: Actor<Context = ws::WebsocketContext<A>>>(
    ctx: &mut ws::WebsocketContext<A>,
    text: ByteString,
) {
    ctx.text(text);
}

pub(super) fn ping(ctx: &mut SocketContext) {
    ctx.ping(b"");
}

pub(super) fn close<A: Actor<Context = ws::WebsocketContext<A>>>(
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
        self.enter(ctx);
        self.start_timers(ctx);
        self.say_hello(ctx);
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Session {
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut SocketContext) {
        if self.is_closing {
            return;
        }
        // What costs a client nothing to say costs us something to hear.
        if !self.pace.take() {
            return self.close(CloseCode::Abuse, ctx);
        }
        self.heard();
        match message {
            Ok(ws::Message::Text(_)) if self.fragments.is_busy() => {
                self.close(CloseCode::Protocol, ctx);
            }
            Ok(ws::Message::Text(text)) => self.frame(&text, ctx),
            Ok(ws::Message::Binary(_)) => self.close(CloseCode::Binary, ctx),
            Ok(ws::Message::Continuation(item)) => self.piece(item, ctx),
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Close(reason)) => {
                self.is_closing = true;
                ctx.close(reason);
                ctx.stop();
            }
            Err(error) => self.close(code_of(&error), ctx),
        }
    }
}

impl Actor for Watch {
    type Context = WatchContext;

    fn started(&mut self, ctx: &mut WatchContext) {
        self.start(ctx);
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Watch {
    /// What a client says is passed over: it is here to listen.
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut WatchContext) {
        match message {
            Ok(_) if !self.pace.take() => close(ctx, CloseCode::Abuse),
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Ok(_) => {}
            Err(error) => self.close(code_of(&error), ctx),
        }
    }
}

impl Session {
    fn piece(&mut self, item: Item, ctx: &mut SocketContext) {
        let taken = match item {
            Item::FirstBinary(_) => Err(CloseCode::Binary),
            Item::FirstText(bytes) => self.fragments.take(Piece::First, &bytes),
            Item::Continue(bytes) => self.fragments.take(Piece::Middle, &bytes),
            Item::Last(bytes) => self.fragments.take(Piece::Last, &bytes),
        };
        match taken {
            Ok(None) => {}
            Ok(Some(text)) => self.frame(&text, ctx),
            Err(code) => self.close(code, ctx),
        }
    }
}

/// The code to close with. A connection that broke off reads no code any
/// more.
fn code_of(error: &ws::ProtocolError) -> CloseCode {
    match error {
        ws::ProtocolError::Overflow => CloseCode::TooLarge,
        // The codec itself reports some faults so.
        ws::ProtocolError::Io(error) if error.kind() == ErrorKind::InvalidData => {
            CloseCode::Protocol
        }
        ws::ProtocolError::Io(error) => code_of_text(&error.to_string()),
        _ => CloseCode::Protocol,
    }
}

/// The crate passes these on as text alone.
fn code_of_text(error: &str) -> CloseCode {
    if let Some(fault) = FrameFault::named_in(error) {
        fault.close_code()
    } else if error.contains("utf-8") {
        CloseCode::NotUtf8
    } else {
        CloseCode::Away
    }
}
