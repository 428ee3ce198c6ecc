//! A test user with an account and a login.

use reqwest::Method;
use serde_json::{Value, json};

use super::api_response::ApiResponse;
use super::app::TestSite;
use super::socket::{TestSocket, TokenTransport};
use super::wait::within;

/// The password of every test user.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A logged-in user. Clones are cheap, for concurrent requests.
#[derive(Clone)]
pub(crate) struct TestUser {
    pub(crate) site: TestSite,
    pub(crate) username: String,
    pub(crate) id: i64,
    pub(crate) token: String,
}

impl TestUser {
    pub(crate) async fn register(site: &TestSite, username: &str) -> Self {
        let body = json!({ "username": username, "password": PASSWORD });
        let answer = site.post("/api/auth/register/", &body).await;
        Self::from_answer(site, &answer.expect(201))
    }

    /// Logs in to an existing account.
    pub(crate) async fn log_in(site: &TestSite, username: &str, password: &str) -> Self {
        let body = json!({ "username": username, "password": password });
        let answer = site.post("/api/auth/login/", &body).await;
        Self::from_answer(site, &answer.expect(200))
    }

    /// Logs the user in a second time.
    pub(crate) async fn log_in_again(&self) -> Self {
        Self::log_in(&self.site, &self.username, PASSWORD).await
    }

    fn from_answer(site: &TestSite, answer: &Value) -> Self {
        Self {
            site: site.clone(),
            username: answer["user"]["username"].as_str().unwrap().to_owned(),
            id: answer["user"]["id"].as_i64().unwrap(),
            token: answer["token"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> ApiResponse {
        self.site.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> ApiResponse {
        let request = self.request(Method::POST, path).json(&body);
        self.site.send(request).await
    }

    pub(crate) async fn delete(&self, path: &str) -> ApiResponse {
        self.site.send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn put(&self, path: &str) -> ApiResponse {
        self.site.send(self.request(Method::PUT, path)).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.site.request(method, path);
        request.bearer_auth(&self.token)
    }

    /// Sends a connection request.
    pub(crate) async fn request_connection(&self, other: &Self) -> ApiResponse {
        let body = json!({ "username": other.username });
        self.post("/api/connections/", body).await
    }

    /// Connects two users by a request that `other` accepts. Returns the
    /// connection's id.
    pub(crate) async fn connect_with(&self, other: &Self) -> i64 {
        let asked = self.request_connection(other).await.expect(201);
        let id = asked["id"].as_i64().unwrap();
        let accept = format!("/api/connections/{id}/accept/");
        other.post(&accept, json!({})).await.expect(200);
        id
    }

    /// Opens the direct conversation with `other`.
    pub(crate) async fn post_direct(&self, other: &Self) -> ApiResponse {
        let body = json!({ "username": other.username });
        self.post("/api/conversations/create/", body).await
    }

    /// Returns the id of the direct conversation with `other`, opening it if
    /// there is none.
    pub(crate) async fn open_direct(&self, other: &Self) -> i64 {
        let answer = self.post_direct(other).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
        answer.body["id"].as_i64().unwrap()
    }

    /// Opens a direct conversation and sends its first message. Both users have
    /// then received `conversation`, so later sends cause only `message`
    /// frames.
    pub(crate) async fn open_direct_used(&self, other: &Self) -> i64 {
        let id = self.open_direct(other).await;
        self.send(id, "The first.").await.expect(201);
        id
    }

    /// Sends a message over REST.
    pub(crate) async fn send(&self, conversation: i64, text: &str) -> ApiResponse {
        let path = format!("/api/conversations/{conversation}/messages/");
        self.post(&path, json!({ "text": text })).await
    }

    /// Sends a message over REST and ignores the response, which may not come.
    pub(crate) async fn send_unanswered(&self, conversation: i64, text: &str) {
        let path = format!("/api/conversations/{conversation}/messages/");
        let request = self.request(Method::POST, &path);
        let sent = request.json(&json!({ "text": text })).send();
        drop(within("an answer, or none", sent).await);
    }

    /// Sends a message over REST with `name` as its `client_id`.
    pub(crate) async fn send_as(&self, conversation: i64, text: &str, name: &str) -> ApiResponse {
        let path = format!("/api/conversations/{conversation}/messages/");
        let body = json!({ "text": text, "client_id": name });
        self.post(&path, body).await
    }

    /// Returns the conversation as this user sees it.
    pub(crate) async fn conversation(&self, id: i64) -> Value {
        let path = format!("/api/conversations/{id}/");
        self.get(&path).await.expect(200)
    }

    /// Returns the newest 100 messages, oldest first.
    pub(crate) async fn history(&self, conversation: i64) -> Vec<Value> {
        let path = format!("/api/conversations/{conversation}/messages/?limit=100");
        let body = self.get(&path).await.expect(200);
        body.as_array().unwrap().clone()
    }

    /// Sends a WebSocket handshake that is to be refused. Uses a separate
    /// connection, which is not reused after the refused upgrade.
    pub(crate) async fn try_upgrade(&self, path: &str) -> ApiResponse {
        let site = TestSite::at(self.site.address());
        let request = site
            .request(Method::GET, path)
            .bearer_auth(&self.token)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        site.send(request).await
    }

    /// Opens a socket and waits for its `hello`.
    pub(crate) async fn socket(&self, path: &str) -> TestSocket {
        self.socket_by(path, TokenTransport::Bearer).await
    }

    /// Opens a socket with the token sent as `token` says.
    pub(crate) async fn socket_by(&self, path: &str, token: TokenTransport) -> TestSocket {
        let mut socket = TestSocket::open(self, path, token).await;
        socket.hello = socket.expect("hello").await;
        socket
    }

    /// Opens a socket bound to a conversation.
    pub(crate) async fn chat_socket(&self, conversation: i64) -> TestSocket {
        self.socket(&format!("/ws/chat/{conversation}/")).await
    }
}
