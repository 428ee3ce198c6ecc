//! Snapshots of every frame that the server sends, each caused by a real
//! action. They are beside this file; ids and times are checked and redacted.

use serde_json::json;

use crate::groups::crew::{group, invite, leave};
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn hello() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    app.register_user("cat")
        .await
        .request_connection(&ben)
        .await
        .expect(201);
    assert_wire!("hello_bound", ben.chat_socket(id).await.hello);
    assert_wire!("hello_unbound", ben.socket("/ws/").await.hello);
}

#[tokio::test]
async fn conversation_and_message_frames_match_snapshots() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.socket("/ws/").await;
    let id = ann.open_direct(&ben).await;
    assert_wire!("conversation_opened", here.expect("conversation").await);
    let tea = json!({
        "type": "message", "conversation_id": id, "message": "Tea?", "client_id": "first",
    });
    here.send(tea).await;
    assert_wire!(
        "conversation_introduced",
        there.expect("conversation").await
    );
    let first = there.expect("message").await;
    assert_wire!("message", first.clone());
    here.expect("conversation").await;
    assert_eq!(here.expect("message").await, first);

    let answer = json!({
        "type": "message", "conversation_id": id, "message": "Please",
        "reply_to": first["message"]["id"],
    });
    there.send(answer).await;
    assert_wire!("message_that_answers", here.expect("message").await);
}

#[tokio::test]
async fn connection_frames_match_snapshots() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.socket("/ws/").await;
    let id = ann.connect_with(&ben).await;
    assert_wire!("connection_requested", here.expect("connection").await);
    assert_wire!("connection_incoming", there.expect("connection").await);
    assert_wire!("connection_connected", here.expect("connection").await);
    ann.delete(&format!("/api/connections/{id}/"))
        .await
        .expect(204);
    assert_wire!("connection_none", here.expect("connection").await);
}

#[tokio::test]
async fn invitation_frames_match_snapshots() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    leave(&people[1], id).await.expect(200);
    let mut socket = people[1].socket("/ws/").await;
    invite(&people[0], id, "ben").await.expect(202);
    let told = socket.expect("invitation").await;
    assert_wire!("invitation_incoming", told.clone());
    let path = format!("/api/invitations/{}/decline/", told["invitation"]["id"]);
    people[1].post(&path, json!({})).await.expect(204);
    assert_wire!("invitation_none", socket.expect("invitation").await);
}

#[tokio::test]
async fn pong() {
    let app = TestApp::spawn().await;
    let mut socket = app.register_user("ann").await.socket("/ws/").await;
    socket.send(json!({ "type": "ping" })).await;
    assert_wire!("pong", socket.expect("pong").await);
}

#[tokio::test]
async fn error_frames_match_snapshots() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct(&ben).await;
    let elsewhere = ann.open_direct_used(&cat).await;
    ann.send_as(elsewhere, "Hello", "used").await.expect(201);
    ann.delete(&format!("/api/connections/{connection}/"))
        .await
        .expect(204);
    let mut socket = ann.socket("/ws/").await;
    let message = |conversation: i64, text: &str, name: &str| {
        json!({
            "type": "message", "conversation_id": conversation, "message": text,
            "client_id": name,
        })
    };
    let asked = [
        ("unknown_type", json!({ "type": "dance", "message_id": 7 })),
        ("bad_json", json!(["message"])),
        (
            "invalid",
            json!({ "type": "message", "message": "Hello", "client_id": "a" }),
        ),
        ("text_empty", message(id, " ", "b")),
        ("text_too_long", message(id, &"x".repeat(10_001), "c")),
        ("not_found", message(1_000_000, "Hello", "d")),
        ("not_connected", message(id, "Hello", "e")),
        ("client_id_reused", message(id, "Hello", "used")),
    ];
    for (code, frame) in asked {
        socket.send(frame).await;
        let error = socket.expect_error(code).await;
        assert_wire!(&format!("error_{code}"), error);
    }
}
