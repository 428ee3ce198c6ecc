//! System messages of group changes, in the history and on sockets.

use serde_json::{Value, json};

use super::crew::{group, invite, leave, remove, rename, set_role};
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn every_change_adds_system_message() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let ann = &people[0];
    let dan = app.register_user("dan").await;
    ann.connect_with(&dan).await;
    rename(ann, id, "Crew “two”").await.expect(200);
    invite(ann, id, "dan").await.expect(201);
    set_role(ann, id, "ben", "admin").await.expect(200);
    set_role(ann, id, "ben", "member").await.expect(200);
    set_role(ann, id, "ben", "owner").await.expect(200);
    remove(&people[1], id, "cas").await;
    leave(&dan, id).await.expect(200);
    leave(&people[1], id).await.expect(200);
    let changes: Vec<Value> = ann
        .history(id)
        .await
        .iter()
        .map(|message| {
            assert_eq!(message["kind"], "system");
            assert_eq!(message["seq"], message["version"]);
            json!({
                "seq": message["seq"],
                "by": message["sender"]["username"],
                "text": message["text"],
                "event": message["event"],
            })
        })
        .collect();
    assert_wire!("system_messages", json!(changes));
}

#[tokio::test]
async fn change_sends_conversation_and_message_frames() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let mut socket = people[1].socket("/ws/").await;
    let mut bound = people[1].chat_socket(id).await;
    rename(&people[0], id, "New").await.expect(200);
    let shown = socket.expect("conversation").await;
    assert_eq!(shown["conversation"]["title"], "New");
    let told = socket.expect("message").await;
    assert_eq!(told["conversation_id"], id);
    assert_wire!("system_message", told.clone());
    assert_eq!(bound.expect("conversation").await, shown);
    assert_eq!(bound.expect("message").await, told);
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn system_messages_are_quotable_not_unread() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    rename(&people[0], id, "New").await.expect(200);
    let seen = people[1].conversation(id).await;
    assert_eq!(
        (&seen["unread_count"], &seen["last_seq"]),
        (&json!(0), &json!(2))
    );
    let path = format!("/api/conversations/{id}/messages/");
    let body = json!({ "text": "Nice.", "reply_to": seen["last_message"]["id"] });
    let sent = people[1].post(&path, body).await.expect(201);
    assert_eq!(sent["reply_to"]["seq"], 2);
    assert_eq!(people[0].conversation(id).await["unread_count"], 1);
}
