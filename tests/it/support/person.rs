//! Somebody with an account, and one login.

use reqwest::Method;
use serde_json::{Value, json};

use super::answer::Answer;
use super::app::Site;
use super::socket::{Socket, TokenBy};
use super::wait::within;

/// Everybody's.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Somebody: a cheap clone, for doing several things at once.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) site: Site,
    pub(crate) username: String,
    pub(crate) id: i64,
    pub(crate) token: String,
}

impl Person {
    pub(crate) async fn register(site: &Site, username: &str) -> Self {
        let body = json!({ "username": username, "password": PASSWORD });
        let answer = site.post("/api/auth/register/", &body).await;
        Self::of(site, &answer.expect(201))
    }

    /// Somebody who has an account.
    pub(crate) async fn log_in(site: &Site, username: &str, password: &str) -> Self {
        let body = json!({ "username": username, "password": password });
        let answer = site.post("/api/auth/login/", &body).await;
        Self::of(site, &answer.expect(200))
    }

    /// The same person by another login.
    pub(crate) async fn log_in_again(&self) -> Self {
        Self::log_in(&self.site, &self.username, PASSWORD).await
    }

    fn of(site: &Site, answer: &Value) -> Self {
        Self {
            site: site.clone(),
            username: answer["user"]["username"].as_str().unwrap().to_owned(),
            id: answer["user"]["id"].as_i64().unwrap(),
            token: answer["token"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.site.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).json(&body);
        self.site.send(request).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.site.send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn put(&self, path: &str) -> Answer {
        self.site.send(self.request(Method::PUT, path)).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.site.request(method, path);
        request.bearer_auth(&self.token)
    }

    /// Asks somebody to connect.
    pub(crate) async fn ask_to_connect(&self, other: &Self) -> Answer {
        let body = json!({ "username": other.username });
        self.post("/api/connections/", body).await
    }

    /// Asks, and has the other accept: the connection's id.
    pub(crate) async fn connect_with(&self, other: &Self) -> i64 {
        let asked = self.ask_to_connect(other).await.expect(201);
        let id = asked["id"].as_i64().unwrap();
        let accept = format!("/api/connections/{id}/accept/");
        other.post(&accept, json!({})).await.expect(200);
        id
    }

    /// Opens the direct conversation with somebody.
    pub(crate) async fn open_with(&self, other: &Self) -> Answer {
        let body = json!({ "username": other.username });
        self.post("/api/conversations/create/", body).await
    }

    /// The id of the direct conversation with somebody, opened now where
    /// there is none.
    pub(crate) async fn direct_with(&self, other: &Self) -> i64 {
        let answer = self.open_with(other).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
        answer.body["id"].as_i64().unwrap()
    }

    /// The same, and a first message in it: with that, both have heard of the
    /// conversation, and from then on messages alone are told.
    pub(crate) async fn talk_with(&self, other: &Self) -> i64 {
        let id = self.direct_with(other).await;
        self.send(id, "The first.").await.expect(201);
        id
    }

    /// Sends a message over REST.
    pub(crate) async fn send(&self, conversation: i64, text: &str) -> Answer {
        let path = format!("/api/conversations/{conversation}/messages/");
        self.post(&path, json!({ "text": text })).await
    }

    /// The same, where there may be no answer.
    pub(crate) async fn send_unheard(&self, conversation: i64, text: &str) {
        let path = format!("/api/conversations/{conversation}/messages/");
        let request = self.request(Method::POST, &path);
        let sent = request.json(&json!({ "text": text })).send();
        drop(within("an answer, or none", sent).await);
    }

    /// The same, with a `client_id`.
    pub(crate) async fn send_as(&self, conversation: i64, text: &str, name: &str) -> Answer {
        let path = format!("/api/conversations/{conversation}/messages/");
        let body = json!({ "text": text, "client_id": name });
        self.post(&path, body).await
    }

    /// The conversation as they see it.
    pub(crate) async fn conversation(&self, id: i64) -> Value {
        let path = format!("/api/conversations/{id}/");
        self.get(&path).await.expect(200)
    }

    /// The newest 100 messages, oldest first.
    pub(crate) async fn history(&self, conversation: i64) -> Vec<Value> {
        let path = format!("/api/conversations/{conversation}/messages/?limit=100");
        let body = self.get(&path).await.expect(200);
        body.as_array().unwrap().clone()
    }

    /// Asks for a socket that is refused, on a connection of its own: what
    /// follows a refused upgrade is nobody's business.
    pub(crate) async fn knock(&self, path: &str) -> Answer {
        let site = Site::at(self.site.address());
        let request = site
            .request(Method::GET, path)
            .bearer_auth(&self.token)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        site.send(request).await
    }

    /// An open socket that has said `hello`.
    pub(crate) async fn socket(&self, path: &str) -> Socket {
        self.socket_by(path, TokenBy::Bearer).await
    }

    /// The same, with the token given in another way.
    pub(crate) async fn socket_by(&self, path: &str, token: TokenBy) -> Socket {
        let mut socket = Socket::open(self, path, token).await;
        socket.hello = socket.expect("hello").await;
        socket
    }

    /// An open socket bound to a conversation.
    pub(crate) async fn chat_socket(&self, conversation: i64) -> Socket {
        self.socket(&format!("/ws/chat/{conversation}/")).await
    }
}
