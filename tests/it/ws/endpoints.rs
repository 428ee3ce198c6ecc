//! The socket endpoints for a partner's username and for notifications, in
//! addition to `/ws/` and the endpoint of a conversation's id.

use reqwest::Method;
use serde_json::json;

use crate::groups::crew::{friends, make};
use crate::support::redact::assert_wire;
use crate::support::{ApiResponse, TestApp, TestUser};

/// Sends a handshake that must be refused before any upgrade.
async fn try_handshake(person: &TestUser, path: &str) -> ApiResponse {
    let request = person.site.request(Method::GET, path);
    let request = request
        .bearer_auth(&person.token)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    person.site.send(request).await
}

#[tokio::test]
async fn partner_socket_opens_new_conversation() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let mut news = ann.socket("/ws/").await;
    let mut bens = ben.socket("/ws/").await;
    let mut socket = ann.socket("/ws/chat/BEN/").await;
    let hello = socket.hello.clone();
    assert_wire!("hello_partner", hello);
    let conversation = socket.hello["conversation"].clone();
    let id = conversation["id"].as_i64().unwrap();
    let shown = news.expect("conversation").await;
    assert_eq!(shown["conversation"]["id"], id);
    // The partner receives the conversation only with its first message.
    bens.expect_nothing_until_pong().await;
    let mut back = ben.socket("/ws/chat/ann").await;
    assert_eq!(back.hello["conversation"]["id"], id);
    socket.send_text("Hello!").await;
    socket.expect("conversation").await;
    assert_eq!(socket.expect_message().await["seq"], 1);
    back.expect("conversation").await;
    assert_eq!(back.expect_message().await["conversation_id"], id);
}

#[tokio::test]
async fn concurrent_partner_sockets_share_conversation() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let (one, two) = tokio::join!(ann.socket("/ws/chat/ben/"), ben.socket("/ws/chat/ann/"));
    let id = |hello: &serde_json::Value| hello["conversation"]["id"].clone();
    assert_eq!(id(&one.hello), id(&two.hello));
}

#[tokio::test]
async fn partner_socket_requires_connection() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let path = "/ws/chat/ben/";
    try_handshake(&ann, path)
        .await
        .expect_problem(403, "not_connected");
    ann.request_connection(&ben).await.expect(201);
    try_handshake(&ann, path)
        .await
        .expect_problem(403, "not_connected");
    let list = ann.get("/api/conversations/").await.expect(200);
    assert_eq!(list, json!([]), "no conversation was opened");
}

#[tokio::test]
async fn partner_socket_refuses_self_and_unknown() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for name in ["ann", "ANN", "nobody", "no%20name", "-"] {
        let path = format!("/ws/chat/{name}/");
        try_handshake(&ann, &path)
            .await
            .expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn closed_conversation_still_opens_sockets() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    ben.delete(&format!("/api/connections/{connection}/")).await;
    for path in ["/ws/chat/ben/", &format!("/ws/chat/{id}/")] {
        let mut socket = ann.socket(path).await;
        assert_eq!(socket.hello["conversation"]["last_seq"], 1);
        socket.send_text_as("Hello?", "mine").await;
        let refused = socket.expect_error("not_connected").await;
        assert_eq!(
            (&refused["conversation_id"], &refused["client_id"]),
            (&json!(id), &json!("mine"))
        );
    }
}

#[tokio::test]
async fn notifications_cover_all_conversations() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    people[0].open_direct_used(&people[1]).await;
    let mut socket = people[1].socket("/ws/notifications/").await;
    assert_wire!("hello_notifications", socket.hello.clone());
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    assert_eq!(
        socket.expect("conversation").await["conversation"]["id"],
        id
    );
    let sent = people[0].send(id, "Hello!").await.expect(201);
    assert_eq!(socket.expect_message().await, sent);
    people[2].request_connection(&people[1]).await.expect(201);
    let frame = socket.expect("connection").await;
    assert_eq!(frame["connection"]["state"], "incoming");
}

#[tokio::test]
async fn unbound_frame_names_its_conversation() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let ids = [
        people[0].open_direct_used(&people[1]).await,
        people[0].open_direct_used(&people[2]).await,
    ];
    for path in ["/ws/", "/ws/notifications/"] {
        let mut socket = people[0].socket(path).await;
        for id in ids {
            socket
                .send(json!({ "type": "message", "conversation_id": id, "message": "Hello!" }))
                .await;
            assert_eq!(socket.expect_message().await["conversation_id"], id);
        }
        socket
            .send(json!({ "type": "message", "message": "Where?" }))
            .await;
        socket.expect_error("invalid").await;
        socket
            .send(json!({ "type": "message", "conversation_id": 999, "message": "There?" }))
            .await;
        let refused = socket.expect_error("not_found").await;
        assert_eq!(refused["conversation_id"], 999);
    }
}

#[tokio::test]
async fn bound_socket_refuses_other_conversation() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let mine = people[0].open_direct_used(&people[1]).await;
    let other = people[0].open_direct_used(&people[2]).await;
    for path in ["/ws/chat/ben/", &format!("/ws/chat/{mine}/")] {
        let mut socket = people[0].socket(path).await;
        socket
            .send(json!({ "type": "message", "conversation_id": other, "message": "Hello!" }))
            .await;
        let refused = socket.expect_error("invalid").await;
        assert_eq!(refused["conversation_id"], other);
        socket
            .send(json!({ "type": "message", "conversation_id": mine, "message": "Hello!" }))
            .await;
        assert_eq!(socket.expect_message().await["conversation_id"], mine);
        people[0].send(other, "Elsewhere.").await.expect(201);
        socket.expect_nothing_until_pong().await;
    }
}
