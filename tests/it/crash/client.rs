//! A client whose server may be killed at any moment.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::traffic::Sent;
use crate::support::within;

pub(super) struct Client {
    pub(super) name: String,
    pub(super) conversations: Vec<i64>,
    token: String,
    address: Cell<SocketAddr>,
    http: reqwest::Client,
    socket: RefCell<Option<Socket>>,
}

impl Client {
    pub(super) async fn register(address: SocketAddr, name: &str) -> Self {
        let mut client = Self {
            name: name.to_owned(),
            conversations: Vec::new(),
            token: String::new(),
            address: Cell::new(address),
            http: reqwest::Client::new(),
            socket: RefCell::new(None),
        };
        let body = json!({ "username": name, "password": "correct horse battery" });
        let answer = client.post("/api/auth/register/", body).await;
        client.token = answer["token"].as_str().unwrap().to_owned();
        client
    }

    pub(super) fn moved_to(&self, address: SocketAddr) {
        self.address.set(address);
    }

    /// Connects both users and returns their conversation's id.
    pub(super) async fn talk_with(&self, other: &Self) -> i64 {
        for (one, two) in [(self, other), (other, self)] {
            one.post("/api/connections/", json!({ "username": two.name }))
                .await;
        }
        let body = json!({ "username": other.name });
        let made = self.post("/api/conversations/create/", body).await;
        made["id"].as_i64().unwrap()
    }

    pub(super) async fn conversation(&self, id: i64) -> Value {
        let path = format!("/api/conversations/{id}/");
        self.ask(Method::GET, &path, None).await
    }

    /// Returns the whole history, oldest first.
    pub(super) async fn history(&self, conversation: i64) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.len();
            let path =
                format!("/api/conversations/{conversation}/messages/?limit=100&after={after}");
            let mut page = self.ask(Method::GET, &path, None).await;
            match page.as_array_mut().unwrap() {
                page if page.is_empty() => return all,
                page => all.append(page),
            }
        }
    }

    /// Opens a socket and keeps it for [`Client::take_socket`].
    pub(super) async fn connect(&mut self) {
        let socket = self.open().await;
        *self.socket.borrow_mut() = Some(socket);
    }

    pub(super) fn take_socket(&self) -> Socket {
        self.socket.borrow_mut().take().unwrap()
    }

    /// Opens a socket and reads its `hello`.
    pub(super) async fn open(&self) -> Socket {
        let url = format!("ws://{}/ws/?token={}", self.address.get(), self.token);
        let request = url.into_client_request().unwrap();
        let stream = TcpStream::connect(self.address.get()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let handshake = tokio_tungstenite::client_async(request, stream);
        let (stream, _) = within("the handshake", handshake).await.unwrap();
        let mut socket = Socket { stream };
        let hello = socket.next().await.unwrap();
        assert_eq!(hello["type"], "hello");
        socket
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("http://{}{path}", self.address.get());
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = within("an answer", request.send()).await.unwrap();
        let answer = answer.error_for_status().unwrap();
        answer.json().await.unwrap()
    }
}

pub(super) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    /// Sends a message. Ignores errors, since the server may be killed.
    pub(super) async fn send(&mut self, sent: &Sent) {
        let frame = json!({
            "type": "message",
            "conversation_id": sent.conversation,
            "client_id": sent.name,
            "message": sent.text(),
        });
        drop(self.stream.send(Message::text(frame.to_string())).await);
    }

    /// Returns the next frame, or `None` once the server is gone.
    pub(super) async fn next(&mut self) -> Option<Value> {
        loop {
            match within("a frame", self.stream.next()).await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Ping(_)) => {}
                Ok(other) => panic!("a killed server sends no {other:?}"),
                Err(_) => return None,
            }
        }
    }

    /// Reads up to the echo with this `client_id` and returns its message.
    pub(super) async fn echo_of(&mut self, name: &str) -> Value {
        loop {
            let mut frame = self.next().await.unwrap();
            assert_ne!(frame["type"], "error", "{frame}");
            if frame["message"]["client_id"] == name {
                return frame["message"].take();
            }
        }
    }
}
