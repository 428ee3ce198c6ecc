//! Frames that sockets receive when members join and leave.

use serde_json::json;

use super::crew::{friends, group, invite, leave, make, remove, set_role};
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn removed_member_receives_only_the_removal() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let mut bound = people[1].chat_socket(id).await;
    let mut unbound = people[1].socket("/ws/").await;
    let mut news = people[1].socket("/ws/notifications/").await;
    assert_eq!(remove(&people[0], id, "ben").await.status, 204);
    people[0].send(id, "Without ben.").await.expect(201);
    for socket in [&mut bound, &mut unbound, &mut news] {
        let frame = socket.expect("conversation_removed").await;
        assert_eq!(frame["reason"], "removed");
        assert_wire!("conversation_removed", frame);
    }
    assert_eq!(bound.expect_close().await, 1000);
    unbound.expect_nothing_until_pong().await;
    news.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn leaving_reaches_all_own_sessions() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let elsewhere = people[1].log_in_again().await;
    let mut bound = elsewhere.chat_socket(id).await;
    let mut unbound = elsewhere.socket("/ws/").await;
    leave(&people[1], id).await.expect(200);
    for socket in [&mut bound, &mut unbound] {
        let frame = socket.expect("conversation_removed").await;
        assert_eq!(frame["reason"], "left");
    }
    assert_eq!(bound.expect_close().await, 1000);
    unbound.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn socket_bound_elsewhere_stays_open() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let other = make(&people[0], "Other", &["ben"]).await.expect(201);
    let other = other["id"].as_i64().unwrap();
    let mut socket = people[1].chat_socket(other).await;
    remove(&people[0], id, "ben").await;
    socket.expect_nothing_until_pong().await;
    socket.send_text("Still here.").await;
    assert_eq!(socket.expect_message().await["text"], "Still here.");
}

#[tokio::test]
async fn remaining_member_receives_changed_members() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let mut socket = people[2].socket("/ws/").await;
    remove(&people[0], id, "ben").await;
    let shown = socket.expect("conversation").await;
    assert_eq!(shown["conversation"]["participant_count"], 2);
    let told = socket.expect_message().await;
    assert_eq!(told["event"]["type"], "removed");
    assert_eq!(told["event"]["user"]["username"], "ben");
    set_role(&people[0], id, "cas", "admin").await.expect(200);
    let shown = socket.expect("conversation").await;
    let me = shown["conversation"]["participants"].as_array().unwrap();
    let me = me.iter().find(|one| one["user"]["username"] == "cas");
    assert_eq!(me.unwrap()["role"], "admin");
    assert_eq!(socket.expect_message().await["event"]["role"], "admin");
}

#[tokio::test]
async fn invited_user_receives_conversation_and_messages() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let mut socket = people[2].socket("/ws/").await;
    people[0].send(id, "Before.").await.expect(201);
    invite(&people[0], id, "cas").await.expect(201);
    people[0].send(id, "After.").await.expect(201);
    let shown = socket.expect("conversation").await;
    assert_eq!(shown["conversation"]["id"], id);
    assert_eq!(shown["conversation"]["left"], false);
    let told = socket.expect_message().await;
    assert_eq!(
        (&told["seq"], &told["event"]["type"]),
        (&json!(3), &json!("invited"))
    );
    assert_eq!(socket.expect_message().await["text"], "After.");
    socket.expect_nothing_until_pong().await;
}
