//! Markers on messages that the user can't see, or in a conversation that the
//! user has left.

use serde_json::{Value, json};

use super::{has_read, mark, marks, send_marker};
use crate::groups::crew::{friends, invite, leave, make};
use crate::support::{TestApp, TestUser};

/// Checks that markers are refused over REST and over a socket, and that the
/// error names message and conversation.
async fn assert_not_found(person: &TestUser, message: &Value) {
    let mut socket = person.socket("/ws/").await;
    for kind in ["delivered", "read"] {
        mark(person, kind, message)
            .await
            .expect_problem(404, "not_found");
    }
    for kind in ["delivered", "read_receipt"] {
        send_marker(&mut socket, kind, message).await;
        let refused = socket.expect_error("not_found").await;
        assert_eq!(refused["message_id"], message["id"], "{refused}");
        assert_eq!(refused["conversation_id"], message["conversation_id"]);
    }
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn marker_on_hidden_message_is_refused() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let old = people[0].send(id, "Before cas.").await.expect(201);
    let aside = people[0].open_direct_used(&people[1]).await;
    let foreign = people[0].history(aside).await.remove(0);
    let nothing = json!({ "conversation_id": id, "id": 4_000_000_000_i64 });
    let mixed = json!({ "conversation_id": id, "id": foreign["id"] });
    for message in [&nothing, &mixed] {
        assert_not_found(&people[1], message).await;
    }
    // A stranger gets the same error for messages that exist.
    let nowhere = json!({ "conversation_id": 4_000_000_000_i64, "id": old["id"] });
    for message in [&old, &foreign, &nowhere] {
        assert_not_found(&people[2], message).await;
    }
    invite(&people[0], id, "cas").await.expect(201);
    assert_not_found(&people[2], &old).await;
    let all = marks(&people[0], id).await;
    assert_eq!(all[1], ("ben".to_owned(), 1, 1));
    assert_eq!(all[2], ("cas".to_owned(), 3, 3));
}

/// Other markers of the same batch still move.
#[tokio::test]
async fn unknown_message_blocks_no_other_marker() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    let unknown = json!({ "conversation_id": id, "id": 4_000_000_000_i64 });
    let mut socket = ben.chat_socket(id).await;
    send_marker(&mut socket, "read_receipt", &sent).await;
    send_marker(&mut socket, "read_receipt", &unknown).await;
    let refused = socket.expect_error("not_found").await;
    assert_eq!(refused["message_id"], unknown["id"]);
    assert_eq!(socket.expect_side_frame("read_receipt").await["seq"], 2);
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn marker_by_former_member_is_refused() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let sent = people[0].send(id, "Tea?").await.expect(201);
    let mut socket = people[1].socket("/ws/").await;
    leave(&people[1], id).await.expect(200);
    socket.expect("conversation_removed").await;
    for kind in ["delivered", "read"] {
        let refused = mark(&people[1], kind, &sent).await;
        refused.expect_problem(403, "not_a_participant");
    }
    send_marker(&mut socket, "read_receipt", &sent).await;
    let refused = socket.expect_error("not_a_participant").await;
    assert_eq!(refused["message_id"], sent["id"]);
    has_read(&people[0], &sent).await;
}

#[tokio::test]
async fn marker_without_message_is_refused() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ben.chat_socket(id).await;
    for kind in ["delivered", "read_receipt"] {
        socket.send(json!({ "type": kind })).await;
        socket.expect_error("invalid").await;
        socket
            .send(json!({ "type": kind, "message_id": "last" }))
            .await;
        socket.expect_error("invalid").await;
    }
    for kind in ["delivered", "read"] {
        let path = format!("/api/conversations/{id}/{kind}/");
        ben.post(&path, json!({}))
            .await
            .expect_problem(422, "invalid");
    }
    assert_eq!(ben.conversation(id).await["unread_count"], 1);
}
