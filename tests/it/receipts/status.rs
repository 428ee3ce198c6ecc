//! Status frames in groups: authors receive them when all members have
//! received, and have read, a message.

use serde_json::{Value, json};

use super::{again, has, has_read, receipt_frames, send_marker};
use crate::groups::crew::{group, leave, remove};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestSocket};

async fn next_status(socket: &mut TestSocket) -> Value {
    let told = socket.expect_side_frame("status").await;
    json!([told["all_delivered_seq"], told["all_read_seq"]])
}

#[tokio::test]
async fn authors_receive_status_of_all_members() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    let elsewhere = people[0].log_in_again().await;
    let mut anns = [
        people[0].chat_socket(id).await,
        elsewhere.socket("/ws/").await,
    ];
    let mut others = [
        people[1].socket("/ws/").await,
        people[2].chat_socket(id).await,
    ];
    has(&people[1], &sent).await;
    assert_eq!(again(&people[0], &sent).await["status"], "sent");
    let mut cass = people[2].chat_socket(id).await;
    send_marker(&mut cass, "delivered", &sent).await;
    for socket in &mut anns {
        let told = socket.expect_side_frame("status").await;
        assert_eq!(told["all_delivered_seq"], 2);
        assert_eq!(told["all_read_seq"], 1);
        assert_wire!("status", told);
    }
    assert_eq!(again(&people[1], &sent).await["status"], "delivered");
    has_read(&people[1], &sent).await;
    has_read(&people[2], &sent).await;
    for socket in &mut anns {
        assert_eq!(next_status(socket).await, json!([2, 2]));
    }
    let seen = people[1].conversation(id).await;
    assert_eq!(
        (&seen["all_delivered_seq"], &seen["all_read_seq"]),
        (&json!(2), &json!(2))
    );
    for socket in &mut others {
        let told = receipt_frames(&people[0], id, socket).await;
        let mut kinds = told.iter().map(|frame| &frame["type"]);
        assert!(kinds.all(|kind| *kind != "status"), "{told:?}");
    }
}

/// The time of a `status` frame is that of the last member's marker.
#[tokio::test]
async fn status_has_same_time_as_message() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    let mut anns = people[0].chat_socket(id).await;
    has_read(&people[1], &sent).await;
    has(&people[2], &sent).await;
    let delivered = anns.expect_side_frame("status").await["at"].take();
    has_read(&people[2], &sent).await;
    let read = anns.expect_side_frame("status").await["at"].take();
    let seen = again(&people[2], &sent).await;
    assert_eq!(
        (&seen["delivered_at"], &seen["read_at"]),
        (&delivered, &read)
    );
    assert_ne!(delivered, read);
}

#[tokio::test]
async fn leaving_member_completes_status() {
    let app = TestApp::spawn().await;
    for how in ["left", "removed"] {
        let names = ["ann", "ben", "cas"].map(|name| format!("{name}-{how}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (id, people) = group(&app, &names).await;
        let sent = people[0].send(id, "Tea?").await.expect(201);
        has_read(&people[1], &sent).await;
        let mut anns = people[0].chat_socket(id).await;
        match how {
            "left" => leave(&people[2], id).await.expect(200),
            _ => remove(&people[0], id, names[2]).await.expect(204),
        };
        assert_eq!(next_status(&mut anns).await, json!([2, 2]));
        let seen = again(&people[0], &sent).await;
        assert_eq!(seen["status"], "read");
        assert!(seen["read_at"].is_string());
    }
}

/// Sending a message also moves the sender's read marker.
#[tokio::test]
async fn last_readers_message_precedes_status() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    has_read(&people[1], &sent).await;
    let mut anns = people[0].chat_socket(id).await;
    let answer = people[2].send(id, "Please").await.expect(201);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let frame = anns.read_non_status().await;
        kinds.push(frame["type"].as_str().unwrap().to_owned());
        if frame["type"] == "status" {
            assert_eq!(
                (&frame["all_read_seq"], &frame["at"]),
                (&json!(2), &answer["created_at"])
            );
        }
    }
    assert_eq!(kinds, ["message", "read_receipt", "status"]);
}

#[tokio::test]
async fn direct_conversation_sends_no_status() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    let mut anns = ann.socket("/ws/").await;
    has_read(&ben, &sent).await;
    let told = receipt_frames(&ann, id, &mut anns).await;
    let kinds: Vec<_> = told.iter().map(|frame| &frame["type"]).collect();
    assert_eq!(kinds, ["read_receipt"]);
    let seen = ann.conversation(id).await;
    assert_eq!(seen["all_read_seq"], 2);
}
