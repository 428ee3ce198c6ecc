//! An open socket, as a client has it.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};

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
    /// How often the server pinged.
    pub(crate) pings: usize,
}

impl Socket {
    /// Opens a socket, without waiting for its `hello`.
    pub(crate) async fn open(person: &Person, path: &str, token: TokenBy) -> Self {
        let request = request(person, path, token);
        let stream = TcpStream::connect(person.site.address()).await.unwrap();
        Self::over(stream, request).await
    }

    /// One of a client that hardly buffers: its system takes a few KB, and
    /// then what it doesn't read stays with the server.
    pub(crate) async fn open_unbuffered(person: &Person, path: &str) -> Self {
        let request = request(person, path, TokenBy::Bearer);
        let stream = unbuffered(person.site.address()).await;
        Self::over(stream, request).await
    }

    /// Opens a socket where the door is open: none where it is refused.
    pub(crate) async fn try_open(person: &Person, path: &str) -> Option<Self> {
        let request = request(person, path, TokenBy::Bearer);
        let stream = TcpStream::connect(person.site.address()).await.unwrap();
        let handshake = tokio_tungstenite::client_async(request, stream);
        match within("the handshake", handshake).await {
            Ok((stream, response)) => Some(Self::of(stream, response)),
            Err(tungstenite::Error::Http(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    async fn over(stream: TcpStream, request: Request) -> Self {
        stream.set_nodelay(true).unwrap();
        let handshake = tokio_tungstenite::client_async(request, stream);
        let (stream, response) = within("the handshake", handshake).await.unwrap();
        Self::of(stream, response)
    }

    fn of(stream: WebSocketStream<TcpStream>, response: Response) -> Self {
        Self {
            stream,
            response,
            hello: Value::Null,
            pings: 0,
        }
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

    /// The next frame, or the code that the socket was closed with.
    pub(crate) async fn next_or_close(&mut self) -> Result<Value, u16> {
        loop {
            match self.next_raw().await {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => {
                    return Err(frame.map_or(1005, |frame| frame.code.into()));
                }
                Message::Ping(_) => self.pings += 1,
                Message::Pong(_) => {}
                other => panic!("a server never sends {other:?}"),
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

    /// Proves that nothing was told: whatever had been would stand before the
    /// answer to this.
    pub(crate) async fn expect_nothing_until_pong(&mut self) {
        self.send(json!({ "type": "ping" })).await;
        self.expect("pong").await;
    }
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
