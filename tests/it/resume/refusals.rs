//! Resume requests that are refused.

use serde_json::json;

use super::client::{resume, send_many};
use crate::groups::crew::make;
use crate::support::{TestApp, TestSocket};

#[tokio::test]
async fn malformed_resume_is_invalid() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let unbound = [
        json!({}),
        json!({ "conversation_id": id }),
        json!({ "after": 1 }),
        json!({ "conversation_id": id, "after": -1 }),
        json!({ "cursors": { "x": 1 } }),
        json!({ "cursors": { id.to_string(): -1 } }),
        json!({ "cursors": {}, "after": 1 }),
        json!({ "cursors": {}, "conversation_id": id }),
    ];
    let mut socket = ben.socket("/ws/").await;
    for ask in unbound {
        let (_, error) = resume(&mut socket, ask.clone()).await;
        assert_eq!(error["code"], "invalid", "{ask} {error}");
    }
    let mut socket = ben.chat_socket(id).await;
    let bound = [
        json!({}),
        json!({ "after": -1 }),
        json!({ "cursors": {} }),
        json!({ "conversation_id": id + 1, "after": 1 }),
    ];
    for ask in bound {
        let (_, error) = resume(&mut socket, ask.clone()).await;
        assert_eq!(error["code"], "invalid", "{ask} {error}");
    }
    let mut socket = ben.socket("/ws/notifications/").await;
    for ask in [
        json!({ "conversation_id": id, "after": 1 }),
        json!({ "cursors": {} }),
    ] {
        let (_, error) = resume(&mut socket, ask).await;
        assert_eq!(error["code"], "invalid", "{error}");
    }
}

/// After the refusal of a resume, live frames still reach the socket.
#[tokio::test]
async fn foreign_conversation_resume_is_not_found() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let mine = ann.open_direct_used(&ben).await;
    let cas = app.register_user("cas").await;
    ann.connect_with(&cas).await;
    let theirs = make(&ann, "Theirs", &["cas"]).await.expect(201)["id"].clone();
    let mut socket = ben.socket("/ws/").await;
    for id in [theirs, json!(1_i64 << 40)] {
        let ask = json!({ "conversation_id": id, "after": 0 });
        let (_, error) = resume(&mut socket, ask).await;
        assert_eq!(error["code"], "not_found");
        assert_eq!(error["conversation_id"], id);
    }
    ann.send(mine, "Live.").await.expect(201);
    assert_eq!(socket.expect_message().await["text"], "Live.");
    let ask = json!({ "conversation_id": mine, "after": 2 });
    assert_eq!(resume(&mut socket, ask).await.1["type"], "resumed");
}

#[tokio::test]
async fn second_resume_is_busy() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    // The replay exceeds all buffers, so that the first resume is still
    // running.
    send_many(&ann, id, 100, &"x".repeat(9_000)).await;
    let path = format!("/ws/chat/{id}/");
    let mut socket = TestSocket::open_unbuffered(&ben, &path).await;
    socket.expect("hello").await;
    for _ in 0..2 {
        socket.send(json!({ "type": "resume", "after": 0 })).await;
    }
    let mut kinds = Vec::new();
    loop {
        let frame = socket.next().await;
        match frame["type"].as_str().unwrap() {
            "message" => kinds.push("message"),
            "error" => {
                assert_eq!(frame["code"], "busy");
                kinds.push("busy");
            }
            _ => break,
        }
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == "busy").count(), 1);
    assert_eq!(kinds.len(), 102);
    let (_, again) = resume(&mut socket, json!({ "after": 101 })).await;
    assert_eq!(again["type"], "resumed");
}
