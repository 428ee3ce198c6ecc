//! The doors: who is let in, and how the others are refused before any
//! upgrade.

use reqwest::Method;

use crate::support::{Answer, Person, Site, Socket, TestApp, TokenBy};

/// A handshake as RFC 6455 wants it, but for the headers in `but`: those with
/// a value are changed, the others left out.
async fn knock(person: &Person, path: &str, but: &[(&str, Option<&str>)]) -> Answer {
    let bearer = format!("Bearer {}", person.token);
    let headers = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("authorization", &bearer),
    ];
    // What follows a refused upgrade on a connection is nobody's business.
    let site = Site::at(person.site.address());
    let mut request = site.request(Method::GET, path);
    for (name, value) in headers {
        match but.iter().find(|(changed, _)| *changed == name) {
            None => request = request.header(name, value),
            Some((_, Some(value))) => request = request.header(name, *value),
            Some((_, None)) => {}
        }
    }
    for (name, value) in but {
        if !headers.iter().any(|(usual, _)| usual == name)
            && let Some(value) = value
        {
            request = request.header(*name, *value);
        }
    }
    site.send(request).await
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_the_subprotocol_or_the_query() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let chat = format!("/ws/chat/{id}");
    for token in [TokenBy::Bearer, TokenBy::Subprotocol, TokenBy::Query] {
        for path in ["/ws", "/ws/", &chat, &format!("{chat}/")] {
            let socket = ann.socket_by(path, token).await;
            assert_eq!(socket.hello["user"]["id"], ann.id, "{path}");
            let chosen = socket.response.headers().get("sec-websocket-protocol");
            let wanted = (token == TokenBy::Subprotocol).then_some("tidings.v1");
            assert_eq!(chosen.map(|value| value.to_str().unwrap()), wanted);
        }
    }
}

#[tokio::test]
async fn the_first_token_that_is_present_decides() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let offer = format!("tidings.v1, bearer.{}", ben.token);
    let query = format!("/ws/?token={}", ben.token);

    // A wrong one isn't made good by a right one further back.
    let wrong = ("authorization", Some("Bearer nonsense"));
    let answer = knock(&ann, &query, &[wrong]).await;
    answer.refused(401, "unauthenticated");
    let offered = ("sec-websocket-protocol", Some(offer.as_str()));
    let answer = knock(&ann, "/ws/", &[wrong, offered]).await;
    answer.refused(401, "unauthenticated");
    let wrong = (
        "sec-websocket-protocol",
        Some("tidings.v1, bearer.nonsense"),
    );
    let answer = knock(&ann, &query, &[("authorization", None), wrong]).await;
    answer.refused(401, "unauthenticated");

    let mut mixed = Socket::open(&ann, &query, TokenBy::Bearer).await;
    assert_eq!(mixed.expect("hello").await["user"]["id"], ann.id);
    let mut mixed = Socket::open(&ann, &query, TokenBy::Subprotocol).await;
    assert_eq!(mixed.expect("hello").await["user"]["id"], ann.id);
}

#[tokio::test]
async fn without_a_token_that_holds_no_socket_opens() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let logged_out = ann.log_in_again().await;
    let out = logged_out
        .post("/api/auth/logout/", serde_json::json!({}))
        .await;
    out.expect(204);
    for path in ["/ws/", "/ws/chat/1/"] {
        let none = knock(&ann, path, &[("authorization", None)]).await;
        assert_eq!(none.header("www-authenticate"), Some("Bearer"));
        none.refused(401, "unauthenticated");
        let ended = knock(&logged_out, path, &[]).await;
        ended.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_asked_to_upgrade() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    for path in ["/ws", "/ws/chat/1/"] {
        let plain = ann.get(path).await;
        assert_eq!(plain.header("upgrade"), Some("websocket"));
        plain.refused(426, "upgrade_required");
        let other = knock(&ann, path, &[("upgrade", Some("h2c"))]).await;
        other.refused(426, "upgrade_required");
    }
}

#[tokio::test]
async fn a_malformed_handshake_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let malformed = [("sec-websocket-version", None), ("sec-websocket-key", None)];
    for header in malformed {
        let answer = knock(&ann, "/ws/", &[header]).await;
        answer.refused(400, "bad_request");
    }
}

#[tokio::test]
async fn a_door_is_opened_by_get_alone() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    for path in ["/ws/", "/ws/chat/1/"] {
        let answer = ann.post(path, serde_json::json!({})).await;
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        answer.refused(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn strangers_find_no_door() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cat = app.person("cat").await;
    let id = ann.talk_with(&ben).await;
    let theirs = knock(&cat, &format!("/ws/chat/{id}/"), &[]).await;
    let theirs = theirs.refused(404, "not_found");
    for path in [
        "/ws/chat/1000000/",
        "/ws/chat/99999999999999999999/",
        "/ws/chat/",
        "/ws/nothing/",
    ] {
        let nobodys = knock(&cat, path, &[]).await;
        assert_eq!(nobodys.refused(404, "not_found"), theirs);
    }
}

#[tokio::test]
async fn a_door_stays_open_to_those_who_are_connected_no_more() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let connection = ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
    let path = format!("/api/connections/{connection}/");
    ann.delete(&path).await.expect(204);
    let mut socket = ben.chat_socket(id).await;
    assert_eq!(socket.hello["conversation"]["last_seq"], 1);
    socket.say("Why?").await;
    socket.expect_error("not_connected").await;
}
