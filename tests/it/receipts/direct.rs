//! Receipts in direct conversations: their recipients, and what moves a marker.

use std::time::Duration;

use serde_json::json;

use super::{has, has_read, marks, receipt_frames, send_marker};
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn markers_reach_sessions_of_both_users() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    ann.connect_with(&cas).await;
    let (id, aside) = (
        ann.open_direct_used(&ben).await,
        ann.open_direct_used(&cas).await,
    );
    let mut bens = ben.chat_socket(id).await;
    let elsewhere = ann.log_in_again().await;
    let mut sessions = [
        ann.chat_socket(id).await,
        elsewhere.socket("/ws/").await,
        ben.chat_socket(id).await,
        ben.log_in_again().await.socket("/ws/").await,
    ];
    let mut others = [
        ann.chat_socket(aside).await,
        ann.socket("/ws/notifications/").await,
        cas.socket("/ws/").await,
    ];
    let sent = ann.send(id, "Tea?").await.expect(201);
    for (at, kind) in ["delivered", "read_receipt"].into_iter().enumerate() {
        send_marker(&mut bens, kind, &sent).await;
        for socket in &mut sessions {
            let told = socket.expect_side_frame(kind).await;
            assert_eq!(told["message_id"], sent["id"]);
            assert_eq!(
                (&told["seq"], &told["username"]),
                (&json!(2), &json!("ben"))
            );
            assert_eq!(told["version"], 3 + at, "a version of its own");
            assert_wire!(kind, told);
        }
    }
    for (socket, id) in others.iter_mut().zip([aside, id, aside]) {
        assert!(receipt_frames(&ann, id, socket).await.is_empty());
    }
}

#[tokio::test]
async fn reading_implies_delivery_in_one_frame() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut anns = ann.socket("/ws/").await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    has_read(&ben, &sent).await;
    let told = receipt_frames(&ann, id, &mut anns).await;
    let kinds: Vec<_> = told.iter().map(|frame| &frame["type"]).collect();
    assert_eq!(kinds, ["read_receipt"]);
    let seen = marks(&ann, id).await;
    assert_eq!(seen[1], ("ben".to_owned(), 2, 2));
}

#[tokio::test]
async fn marker_never_moves_back() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let first = ann.history(id).await.remove(0);
    let last = ann.send(id, "Tea?").await.expect(201);
    has_read(&ben, &last).await;
    let before = ann.conversation(id).await;
    let (mut anns, mut bens) = (ann.chat_socket(id).await, ben.chat_socket(id).await);
    for message in [&first, &last] {
        has(&ben, message).await;
        has_read(&ben, message).await;
        send_marker(&mut bens, "read_receipt", message).await;
    }
    // A Room handles a session's other requests after its earlier markers.
    bens.send_text("Please").await;
    bens.expect_message().await;
    let after = ann.conversation(id).await;
    let next = before["version"].as_i64().unwrap() + 1;
    assert_eq!(after["version"], next, "only the message took a version");
    assert_eq!(after["participants"][1]["read_seq"], 3);
    anns.expect_message().await;
    assert_eq!(
        receipt_frames(&ann, id, &mut anns).await,
        Vec::<serde_json::Value>::new()
    );
}

/// The server gathers markers for a second, long enough for the whole burst.
#[tokio::test]
async fn burst_of_markers_is_one_frame() {
    const BURST: usize = 30;
    let app = TestApp::builder()
        .settings(|settings| settings.timings.marker_batch_window = Duration::from_secs(1))
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut bens = ben.chat_socket(id).await;
    let mut sent = Vec::new();
    for _ in 0..BURST {
        sent.push(ann.send(id, "Tea?").await.expect(201));
    }
    let mut anns = ann.chat_socket(id).await;
    let last = &sent[BURST - 1];
    for (at, kind) in ["delivered", "read_receipt"].into_iter().enumerate() {
        for message in &sent {
            send_marker(&mut bens, kind, message).await;
        }
        let told = anns.expect_side_frame(kind).await;
        assert_eq!(
            told["message_id"], last["id"],
            "the last message of the burst"
        );
        assert_eq!(told["version"], BURST + 2 + at);
        assert_eq!(ann.conversation(id).await["version"], told["version"]);
    }
    bens.expect_side_frame("read_receipt").await;
    assert!(anns.side_frames_until_pong().await.is_empty());
}

/// A delivered and a read marker together take one version. Both frames are
/// sent if the delivered marker is ahead of the read marker.
#[tokio::test]
async fn both_markers_share_one_version() {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.marker_batch_window = Duration::from_secs(1))
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let seen = ann.send(id, "Tea?").await.expect(201);
    let come = ann.send(id, "Or not?").await.expect(201);
    let (mut anns, mut bens) = (ann.chat_socket(id).await, ben.chat_socket(id).await);
    send_marker(&mut bens, "read_receipt", &seen).await;
    send_marker(&mut bens, "delivered", &come).await;
    let read = anns.expect_side_frame("read_receipt").await;
    let delivered = anns.expect_side_frame("delivered").await;
    assert_eq!((&read["seq"], &delivered["seq"]), (&json!(2), &json!(3)));
    assert_eq!(
        (&read["version"], &delivered["version"]),
        (&json!(4), &json!(4))
    );
    assert_eq!(marks(&ann, id).await[1], ("ben".to_owned(), 3, 2));
}

#[tokio::test]
async fn markers_move_after_connection_ended() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Still friends?").await.expect(201);
    let mut anns = ann.chat_socket(id).await;
    let ended = ann.delete(&format!("/api/connections/{connection}/")).await;
    assert_eq!(ended.status, 204);
    ben.send(id, "No.")
        .await
        .expect_problem(403, "not_connected");
    has_read(&ben, &sent).await;
    assert_eq!(anns.expect_side_frame("read_receipt").await["seq"], 2);
    assert_eq!(super::again(&ann, &sent).await["status"], "read");
    assert_eq!(ben.conversation(id).await["unread_count"], 0);
}

#[tokio::test]
async fn rest_marker_is_answered_after_commit() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let store = app.store().await;
    for kind in ["delivered", "read"] {
        let sent = ann.send(id, "Tea?").await.expect(201);
        let answer = super::mark(&ben, kind, &sent).await;
        assert_eq!((answer.status, &answer.body), (204, &json!(null)));
        // The test's own store reads the database as another process would.
        let me = entity::UserId(ann.id);
        let seen = store
            .conversations()
            .load(me, entity::ConversationId(id))
            .await
            .unwrap();
        let theirs = &seen.participants[1];
        let moved = match kind {
            "read" => theirs.read_seq,
            _ => theirs.delivered_seq,
        };
        assert_eq!(sent["seq"], moved, "{kind}");
    }
    store.close().await;
}
