//! Handshakes: which ones open a socket, and how the server refuses all others
//! before any upgrade.

use reqwest::Method;

use crate::support::{ApiResponse, TestApp, TestSite, TestSocket, TestUser, TokenTransport};

/// Sends a handshake as in RFC 6455. Headers in `changes` are replaced, or
/// left out if they have no value.
async fn try_handshake(
    person: &TestUser,
    path: &str,
    changes: &[(&str, Option<&str>)],
) -> ApiResponse {
    let bearer = format!("Bearer {}", person.token);
    let headers = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("authorization", &bearer),
    ];
    // Uses a new client, because a connection isn't reused after a refused
    // upgrade.
    let site = TestSite::at(person.site.address());
    let mut request = site.request(Method::GET, path);
    for (name, value) in headers {
        match changes.iter().find(|(changed, _)| *changed == name) {
            None => request = request.header(name, value),
            Some((_, Some(value))) => request = request.header(name, *value),
            Some((_, None)) => {}
        }
    }
    for (name, value) in changes {
        if !headers.iter().any(|(usual, _)| usual == name)
            && let Some(value) = value
        {
            request = request.header(*name, *value);
        }
    }
    site.send(request).await
}

#[tokio::test]
async fn token_is_read_from_three_places() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let chat = format!("/ws/chat/{id}");
    for token in [
        TokenTransport::Bearer,
        TokenTransport::Subprotocol,
        TokenTransport::Query,
    ] {
        for path in ["/ws", "/ws/", &chat, &format!("{chat}/")] {
            let socket = ann.socket_by(path, token).await;
            assert_eq!(socket.hello["user"]["id"], ann.id, "{path}");
            let chosen = socket.response.headers().get("sec-websocket-protocol");
            let wanted = (token == TokenTransport::Subprotocol).then_some("tidings.v1");
            assert_eq!(chosen.map(|value| value.to_str().unwrap()), wanted);
        }
    }
}

#[tokio::test]
async fn first_present_token_decides() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let offer = format!("tidings.v1, bearer.{}", ben.token);
    let query = format!("/ws/?token={}", ben.token);

    // If a token is invalid, the server tries no valid one in a later place.
    let wrong = ("authorization", Some("Bearer nonsense"));
    let answer = try_handshake(&ann, &query, &[wrong]).await;
    answer.expect_problem(401, "unauthenticated");
    let offered = ("sec-websocket-protocol", Some(offer.as_str()));
    let answer = try_handshake(&ann, "/ws/", &[wrong, offered]).await;
    answer.expect_problem(401, "unauthenticated");
    let wrong = (
        "sec-websocket-protocol",
        Some("tidings.v1, bearer.nonsense"),
    );
    let answer = try_handshake(&ann, &query, &[("authorization", None), wrong]).await;
    answer.expect_problem(401, "unauthenticated");

    let mut mixed = TestSocket::open(&ann, &query, TokenTransport::Bearer).await;
    assert_eq!(mixed.expect("hello").await["user"]["id"], ann.id);
    let mut mixed = TestSocket::open(&ann, &query, TokenTransport::Subprotocol).await;
    assert_eq!(mixed.expect("hello").await["user"]["id"], ann.id);
}

#[tokio::test]
async fn socket_requires_valid_token() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let logged_out = ann.log_in_again().await;
    let out = logged_out
        .post("/api/auth/logout/", serde_json::json!({}))
        .await;
    out.expect(204);
    for path in ["/ws/", "/ws/chat/1/"] {
        let none = try_handshake(&ann, path, &[("authorization", None)]).await;
        assert_eq!(none.header("www-authenticate"), Some("Bearer"));
        none.expect_problem(401, "unauthenticated");
        let ended = try_handshake(&logged_out, path, &[]).await;
        ended.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn plain_request_is_asked_to_upgrade() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for path in ["/ws", "/ws/chat/1/"] {
        let plain = ann.get(path).await;
        assert_eq!(plain.header("upgrade"), Some("websocket"));
        plain.expect_problem(426, "upgrade_required");
        let other = try_handshake(&ann, path, &[("upgrade", Some("h2c"))]).await;
        other.expect_problem(426, "upgrade_required");
    }
}

#[tokio::test]
async fn malformed_handshake_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let malformed = [("sec-websocket-version", None), ("sec-websocket-key", None)];
    for header in malformed {
        let answer = try_handshake(&ann, "/ws/", &[header]).await;
        answer.expect_problem(400, "bad_request");
    }
}

#[tokio::test]
async fn socket_endpoint_allows_only_get() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for path in ["/ws/", "/ws/chat/1/"] {
        let answer = ann.post(path, serde_json::json!({})).await;
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        answer.expect_problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn strangers_cannot_find_chat_socket() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    let id = ann.open_direct_used(&ben).await;
    let theirs = try_handshake(&cat, &format!("/ws/chat/{id}/"), &[]).await;
    let theirs = theirs.expect_problem(404, "not_found");
    for path in [
        "/ws/chat/1000000/",
        "/ws/chat/99999999999999999999/",
        "/ws/chat/",
        "/ws/nothing/",
    ] {
        let missing = try_handshake(&cat, path, &[]).await;
        assert_eq!(missing.expect_problem(404, "not_found"), theirs);
    }
}

#[tokio::test]
async fn socket_opens_after_connection_ended() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let path = format!("/api/connections/{connection}/");
    ann.delete(&path).await.expect(204);
    let mut socket = ben.chat_socket(id).await;
    assert_eq!(socket.hello["conversation"]["last_seq"], 1);
    socket.send_text("Why?").await;
    socket.expect_error("not_connected").await;
}
