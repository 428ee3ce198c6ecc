//! An open socket, as a client has it.

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

use super::person::Person;
use super::wait::within;

/// How a token comes with the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenBy {
    Bearer,
    Subprotocol,
    Query,
}

/// A client's end of a socket.
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<TcpStream>,
    /// The answer to the handshake.
    pub(crate) response: Response,
    /// The first frame, where it was waited for.
    pub(crate) hello: Value,
    /// What came between the frames that a test is about, in order.
    asides: VecDeque<Value>,
    /// What came while an aside was waited for.
    ahead: VecDeque<Value>,
}

/// Counts, marks and statuses come whatever else a test is about. They are put
/// aside, and are there for whoever asks for them by [`Socket::expect_aside`].
const ASIDES: [&str; 5] = [
    "unread",
    "delivered",
    "read_receipt",
    "status",
    "user_status",
];

impl Socket {
    /// Opens a socket, without waiting for its `hello`.
    pub(crate) async fn open(person: &Person, path: &str, token: TokenBy) -> Self {
        let request = request(person, path, token);
        let stream = TcpStream::connect(person.site.address()).await.unwrap();
        Self::over(stream, request).await
    }

    /// The same, where it may be refused.
    pub(crate) async fn try_open(person: &Person, path: &str, token: TokenBy) -> Option<Self> {
        let request = request(person, path, token);
        let stream = TcpStream::connect(person.site.address()).await.unwrap();
        match Self::handshake(stream, request).await {
            Ok(socket) => Some(socket),
            Err(Error::Http(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// A socket whose path alone says whose it is, if it isn't refused.
    pub(crate) async fn open_with_ticket(person: &Person, path: &str) -> Option<Self> {
        let url = format!("ws://{}{path}", person.site.address());
        let stream = TcpStream::connect(person.site.address()).await.unwrap();
        match Self::handshake(stream, url.into_client_request().unwrap()).await {
            Ok(socket) => Some(socket),
            Err(Error::Http(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// One of a client that hardly buffers: its system takes a few KB, and
    /// then what it doesn't read stays with the server.
    pub(crate) async fn open_unbuffered(person: &Person, path: &str) -> Self {
        let request = request(person, path, TokenBy::Bearer);
        let stream = unbuffered(person.site.address()).await;
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
            asides: VecDeque::new(),
            ahead: VecDeque::new(),
        })
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    /// Sends a message into the conversation that the socket is bound to.
    pub(crate) async fn say(&mut self, text: &str) {
        self.send(json!({ "type": "message", "message": text }))
            .await;
    }

    /// The same, with a `client_id`.
    pub(crate) async fn say_as(&mut self, text: &str, name: &str) {
        self.send(json!({ "type": "message", "message": text, "client_id": name }))
            .await;
    }

    /// Says several things in one packet.
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

    /// Writes bytes past the protocol.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let written = self.stream.get_mut().write_all(bytes);
        within("bytes to be written", written).await.unwrap();
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.next_or_close().await {
            Ok(frame) => frame,
            Err(code) => panic!("the socket was closed with {code}"),
        }
    }

    /// The next frame, or the code that the socket was closed with. Asides are
    /// kept for whoever asks for them.
    pub(crate) async fn next_or_close(&mut self) -> Result<Value, u16> {
        if let Some(frame) = self.ahead.pop_front() {
            return Ok(frame);
        }
        loop {
            let frame = self.read().await?;
            if !is_aside(&frame) {
                return Ok(frame);
            }
            self.asides.push_back(frame);
        }
    }

    /// The next aside of this type, wherever it stands between others.
    pub(crate) async fn expect_aside(&mut self, kind: &str) -> Value {
        assert!(ASIDES.contains(&kind), "{kind} is never put aside");
        if let Some(at) = self.asides.iter().position(|it| it["type"] == kind) {
            return self.asides.remove(at).unwrap();
        }
        loop {
            let frame = match self.read().await {
                Ok(frame) => frame,
                Err(code) => panic!("the socket was closed with {code}"),
            };
            if frame["type"] == kind {
                return frame;
            }
            match is_aside(&frame) {
                true => self.asides.push_back(frame),
                false => self.ahead.push_back(frame),
            }
        }
    }

    /// The next status, which nothing comes before but other asides and what
    /// was read already.
    pub(crate) async fn expect_status(&mut self) -> Value {
        loop {
            if let Some(at) = self
                .asides
                .iter()
                .position(|it| it["type"] == "user_status")
            {
                return self.asides.remove(at).unwrap();
            }
            let frame = self.read().await;
            let frame = frame.unwrap_or_else(|code| panic!("the socket was closed with {code}"));
            assert!(is_aside(&frame), "{frame}");
            self.asides.push_back(frame);
        }
    }

    /// The statuses that were put aside so far.
    pub(crate) fn take_statuses(&mut self) -> Vec<Value> {
        let asides = std::mem::take(&mut self.asides);
        let (statuses, rest): (Vec<_>, _) = asides
            .into_iter()
            .partition(|it| it["type"] == "user_status");
        self.asides = rest.into();
        statuses
    }

    /// All that was put aside so far, in order, with what stood before the
    /// answer to a ping; but for who comes and goes.
    pub(crate) async fn asides_until_pong(&mut self) -> Vec<Value> {
        self.expect_nothing_until_pong().await;
        let asides = self.asides.drain(..);
        asides.filter(|it| it["type"] != "user_status").collect()
    }

    /// Every frame that stands before the answer to a ping, in order.
    pub(crate) async fn all_until_pong(&mut self) -> Vec<Value> {
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

    /// The next frame of all.
    pub(crate) async fn read(&mut self) -> Result<Value, u16> {
        // One deadline for all of it: pings come for ever.
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

    /// The next frame of all but of who comes and goes, which may be told at
    /// any time.
    pub(crate) async fn read_news(&mut self) -> Value {
        loop {
            match self.read().await {
                Ok(frame) if frame["type"] == "user_status" => {}
                Ok(frame) => return frame,
                Err(code) => panic!("the socket was closed with {code}"),
            }
        }
    }

    /// The next message of the protocol below, pings and all.
    pub(crate) async fn next_raw(&mut self) -> Message {
        let next = within("a frame", self.stream.next()).await;
        next.expect("the connection ended").unwrap()
    }

    /// The next frame, which is of this type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// The next frame, which is a message: what stands in it.
    pub(crate) async fn expect_message(&mut self) -> Value {
        self.expect("message").await["message"].take()
    }

    /// The next frame, which refuses something with this code.
    pub(crate) async fn expect_error(&mut self, code: &str) -> Value {
        let frame = self.expect("error").await;
        assert_eq!(frame["code"], code, "{frame}");
        frame
    }

    /// The code that the socket is closed with, before any other frame.
    pub(crate) async fn expect_close(&mut self) -> u16 {
        match self.next_or_close().await {
            Err(code) => code,
            Ok(frame) => panic!("not closed, but told {frame}"),
        }
    }

    /// The code that the socket is closed with, whatever is told before.
    pub(crate) async fn closes_in_the_end(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next_or_close().await {
                return code;
            }
        }
    }

    /// Proves that nothing was told, asides aside: whatever had been would
    /// stand before the answer to this.
    pub(crate) async fn expect_nothing_until_pong(&mut self) {
        self.send(json!({ "type": "ping" })).await;
        self.expect("pong").await;
    }
}

fn is_aside(frame: &Value) -> bool {
    ASIDES.iter().any(|kind| frame["type"] == *kind)
}

fn request(person: &Person, path: &str, token: TokenBy) -> Request {
    let jwt = &person.token;
    let query = match token {
        TokenBy::Query => format!("?token={jwt}"),
        TokenBy::Bearer | TokenBy::Subprotocol => String::new(),
    };
    let url = format!("ws://{}{path}{query}", person.site.address());
    let mut request = url.into_client_request().unwrap();
    let (name, value) = match token {
        TokenBy::Bearer => ("authorization", format!("Bearer {jwt}")),
        TokenBy::Subprotocol => (
            "sec-websocket-protocol",
            format!("tidings.v1, bearer.{jwt}"),
        ),
        TokenBy::Query => return request,
    };
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn unbuffered(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address).await.unwrap()
}
