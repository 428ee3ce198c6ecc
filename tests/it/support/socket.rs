//! A client's side of an open socket.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::test_user::TestUser;
use super::wait::within;

/// How a client sends its token with the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenTransport {
    Bearer,
    Subprotocol,
    Query,
}

/// A client's end of a socket.
pub(crate) struct TestSocket {
    pub(crate) stream: WebSocketStream<TcpStream>,
    /// The response to the handshake.
    pub(crate) response: Response,
    /// The first frame, if the test waited for it.
    pub(crate) hello: Value,
    /// Unread frames of the types in [`SIDE_FRAMES`], in order of arrival.
    side_frames: VecDeque<Value>,
    /// Frames of other types that arrived while a test waited for a side frame.
    read_ahead: VecDeque<Value>,
}

/// Types of frames that can arrive at any time in most tests. [`TestSocket`]
/// keeps them until [`TestSocket::expect_side_frame`] or a similar method
/// returns them.
const SIDE_FRAMES: [&str; 5] = [
    "unread",
    "delivered",
    "read_receipt",
    "status",
    "user_status",
];

impl TestSocket {
    /// Opens a socket without waiting for its `hello`.
    pub(crate) async fn open(person: &TestUser, path: &str, token: TokenTransport) -> Self {
        let request = build_request(person, path, token);
        let stream = TcpStream::connect(person.site.address()).await.unwrap();
        Self::over(stream, request).await
    }

    /// Opens a socket. Returns `None` if the server refuses the handshake.
    pub(crate) async fn try_open(
        person: &TestUser,
        path: &str,
        token: TokenTransport,
    ) -> Option<Self> {
        let request = build_request(person, path, token);
        let stream = TcpStream::connect(person.site.address()).await.unwrap();
        match Self::handshake(stream, request).await {
            Ok(socket) => Some(socket),
            Err(Error::Http(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a socket with only a ticket in its path. Returns `None` if the
    /// server refuses the handshake.
    pub(crate) async fn open_with_ticket(person: &TestUser, path: &str) -> Option<Self> {
        let url = format!("ws://{}{path}", person.site.address());
        let stream = TcpStream::connect(person.site.address()).await.unwrap();
        match Self::handshake(stream, url.into_client_request().unwrap()).await {
            Ok(socket) => Some(socket),
            Err(Error::Http(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a socket with a receive buffer of a few KB. Frames that the test
    /// doesn't read soon fill the server's own buffer.
    pub(crate) async fn open_unbuffered(person: &TestUser, path: &str) -> Self {
        let request = build_request(person, path, TokenTransport::Bearer);
        let stream = connect_unbuffered(person.site.address()).await;
        Self::over(stream, request).await
    }

    async fn over(stream: TcpStream, request: Request) -> Self {
        Self::handshake(stream, request).await.unwrap()
    }

    async fn handshake(stream: TcpStream, request: Request) -> Result<Self, Error> {
        stream.set_nodelay(true).unwrap();
        let handshake = tokio_tungstenite::client_async(request, stream);
        let (stream, response) = within("the handshake", handshake).await?;
        Ok(Self {
            stream,
            response,
            hello: Value::Null,
            side_frames: VecDeque::new(),
            read_ahead: VecDeque::new(),
        })
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    /// Sends a message to the conversation that the socket is bound to.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(json!({ "type": "message", "message": text }))
            .await;
    }

    /// Sends a message with `name` as its `client_id`.
    pub(crate) async fn send_text_as(&mut self, text: &str, name: &str) {
        self.send(json!({ "type": "message", "message": text, "client_id": name }))
            .await;
    }

    /// Sends several frames in one packet.
    pub(crate) async fn send_together(&mut self, frames: impl IntoIterator<Item = Value>) {
        for frame in frames {
            let fed = self.stream.feed(Message::text(frame.to_string()));
            within("a frame to be sent", fed).await.unwrap();
        }
        within("frames to be sent", self.stream.flush())
            .await
            .unwrap();
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        within("a frame to be sent", self.stream.send(message))
            .await
            .unwrap();
    }

    /// Writes raw bytes, bypassing the protocol.
    pub(crate) async fn write_bytes(&mut self, bytes: &[u8]) {
        let written = self.stream.get_mut().write_all(bytes);
        within("bytes to be written", written).await.unwrap();
    }

    /// Returns the next frame that isn't a side frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.next_or_close().await {
            Ok(frame) => frame,
            Err(code) => panic!("the socket was closed with {code}"),
        }
    }

    /// Returns the next frame that isn't a side frame, or the socket's close
    /// code. Side frames are kept.
    pub(crate) async fn next_or_close(&mut self) -> Result<Value, u16> {
        if let Some(frame) = self.read_ahead.pop_front() {
            return Ok(frame);
        }
        loop {
            let frame = self.read().await?;
            if !is_side_frame(&frame) {
                return Ok(frame);
            }
            self.side_frames.push_back(frame);
        }
    }

    /// Returns the next side frame of this type. Keeps other frames for later
    /// calls.
    pub(crate) async fn expect_side_frame(&mut self, kind: &str) -> Value {
        assert!(SIDE_FRAMES.contains(&kind), "{kind} is never put aside");
        if let Some(at) = self.side_frames.iter().position(|it| it["type"] == kind) {
            return self.side_frames.remove(at).unwrap();
        }
        loop {
            let frame = match self.read().await {
                Ok(frame) => frame,
                Err(code) => panic!("the socket was closed with {code}"),
            };
            if frame["type"] == kind {
                return frame;
            }
            if is_side_frame(&frame) {
                self.side_frames.push_back(frame)
            } else {
                self.read_ahead.push_back(frame)
            }
        }
    }

    /// Returns the next `user_status`. Fails if a frame that isn't a side frame
    /// arrives before it.
    pub(crate) async fn expect_status(&mut self) -> Value {
        loop {
            if let Some(at) = self
                .side_frames
                .iter()
                .position(|it| it["type"] == "user_status")
            {
                return self.side_frames.remove(at).unwrap();
            }
            let frame = self.read().await;
            let frame = frame.unwrap_or_else(|code| panic!("the socket was closed with {code}"));
            assert!(is_side_frame(&frame), "{frame}");
            self.side_frames.push_back(frame);
        }
    }

    /// Returns the `user_status` frames that arrived so far and were kept.
    pub(crate) fn take_statuses(&mut self) -> Vec<Value> {
        let asides = std::mem::take(&mut self.side_frames);
        let (statuses, rest): (Vec<_>, _) = asides
            .into_iter()
            .partition(|it| it["type"] == "user_status");
        self.side_frames = rest.into();
        statuses
    }

    /// Returns the side frames that arrived before the answer to a ping, in
    /// order, without `user_status`.
    pub(crate) async fn side_frames_until_pong(&mut self) -> Vec<Value> {
        self.expect_nothing_until_pong().await;
        let asides = self.side_frames.drain(..);
        asides.filter(|it| it["type"] != "user_status").collect()
    }

    /// Returns every frame that arrives before the answer to a ping, in order.
    pub(crate) async fn frames_until_pong(&mut self) -> Vec<Value> {
        self.send(json!({ "type": "ping" })).await;
        let mut frames = Vec::new();
        loop {
            match self.read().await {
                Ok(frame) if frame["type"] == "pong" => return frames,
                Ok(frame) => frames.push(frame),
                Err(code) => panic!("the socket was closed with {code}"),
            }
        }
    }

    /// Returns the next frame of any type, or the close code.
    pub(crate) async fn read(&mut self) -> Result<Value, u16> {
        // One deadline for the loop, because pings never end.
        within("a frame", async {
            loop {
                match self.next_raw().await {
                    Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                    Message::Close(frame) => {
                        return Err(frame.map_or(1005, |frame| frame.code.into()));
                    }
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("a server never sends {other:?}"),
                }
            }
        })
        .await
    }

    /// Returns the next frame of any type but `user_status`, which can arrive
    /// at any time.
    pub(crate) async fn read_non_status(&mut self) -> Value {
        loop {
            match self.read().await {
                Ok(frame) if frame["type"] == "user_status" => {}
                Ok(frame) => return frame,
                Err(code) => panic!("the socket was closed with {code}"),
            }
        }
    }

    /// Returns the next WebSocket message, including pings.
    pub(crate) async fn next_raw(&mut self) -> Message {
        let next = within("a frame", self.stream.next()).await;
        next.expect("the connection ended").unwrap()
    }

    /// Returns the next frame and checks its type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// Returns the message in the next frame, which must be `message`.
    pub(crate) async fn expect_message(&mut self) -> Value {
        self.expect("message").await["message"].take()
    }

    /// Returns the next frame, which must be an `error` with this code.
    pub(crate) async fn expect_error(&mut self, code: &str) -> Value {
        let frame = self.expect("error").await;
        assert_eq!(frame["code"], code, "{frame}");
        frame
    }

    /// Returns the close code. Fails if a frame that isn't a side frame arrives
    /// first.
    pub(crate) async fn expect_close(&mut self) -> u16 {
        match self.next_or_close().await {
            Err(code) => code,
            Ok(frame) => panic!("not closed, but received {frame}"),
        }
    }

    /// Skips any frames and returns the close code.
    pub(crate) async fn wait_for_close(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next_or_close().await {
                return code;
            }
        }
    }

    /// Checks that the server sent only side frames. Earlier frames would
    /// arrive before the `pong`.
    pub(crate) async fn expect_nothing_until_pong(&mut self) {
        self.send(json!({ "type": "ping" })).await;
        self.expect("pong").await;
    }
}

fn is_side_frame(frame: &Value) -> bool {
    SIDE_FRAMES.iter().any(|kind| frame["type"] == *kind)
}

fn build_request(person: &TestUser, path: &str, token: TokenTransport) -> Request {
    let jwt = &person.token;
    let query = match token {
        TokenTransport::Query => format!("?token={jwt}"),
        TokenTransport::Bearer | TokenTransport::Subprotocol => String::new(),
    };
    let url = format!("ws://{}{path}{query}", person.site.address());
    let mut request = url.into_client_request().unwrap();
    let (name, value) = match token {
        TokenTransport::Bearer => ("authorization", format!("Bearer {jwt}")),
        TokenTransport::Subprotocol => (
            "sec-websocket-protocol",
            format!("tidings.v1, bearer.{jwt}"),
        ),
        TokenTransport::Query => return request,
    };
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn connect_unbuffered(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address).await.unwrap()
}
