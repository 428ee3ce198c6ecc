//! Live `unread` frames: recipients and order.

use serde_json::json;

use super::{next_unread, read_unread, total, unread};
use crate::groups::crew::{friends, group, make};
use crate::receipts::{has, has_read};
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn unread_frames_reach_unbound_sessions_only() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let elsewhere = ben.log_in_again().await;
    let mut unbound = [
        ben.socket("/ws/").await,
        ben.socket("/ws/notifications/").await,
        elsewhere.socket("/ws/").await,
    ];
    let mut bound = ben.chat_socket(id).await;
    let mut anns = ann.socket("/ws/").await;
    ann.send(id, "Tea?").await.expect(201);
    for socket in &mut unbound {
        let told = socket.expect_side_frame("unread").await;
        assert_eq!(
            (&told["unread_count"], &told["total"]),
            (&json!(2), &json!(2))
        );
        assert_wire!("unread", told);
    }
    ann.send(id, "Or not?").await.expect(201);
    for socket in &mut unbound {
        assert_eq!(next_unread(socket).await, (3, 3));
    }
    for socket in [&mut bound, &mut anns] {
        assert_eq!(read_unread(socket).await, [], "bound, or the sender's");
    }
}

#[tokio::test]
async fn message_precedes_its_unread_frame() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut bens = ben.socket("/ws/").await;
    ann.send(id, "Tea?").await.expect(201);
    for kind in ["message", "unread"] {
        assert_eq!(bens.read_non_status().await["type"], kind);
    }
}

#[tokio::test]
async fn read_marker_updates_other_devices() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    let last = ann.send(id, "Or not?").await.expect(201);
    let mut here = ben.socket("/ws/").await;
    let mut there = ben.log_in_again().await.socket("/ws/notifications/").await;
    assert_eq!(here.hello["total_unread"], 3);
    has(&ben, &last).await;
    has_read(&ben, &sent).await;
    for socket in [&mut here, &mut there] {
        assert_eq!(next_unread(socket).await, (1, 1), "delivered is not read");
    }
    has_read(&ben, &last).await;
    for socket in [&mut here, &mut there] {
        assert_eq!(next_unread(socket).await, (0, 0));
    }
    assert_eq!(total(&ben).await, 0);
}

#[tokio::test]
async fn sending_clears_unread_count() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ann.send(id, "Tea?").await.expect(201);
    let mut bens = ben.socket("/ws/").await;
    let mut anns = ann.socket("/ws/").await;
    ben.send(id, "Please").await.expect(201);
    assert_eq!(next_unread(&mut bens).await, (0, 0));
    assert_eq!(next_unread(&mut anns).await, (1, 1));
    ben.send(id, "Milk, too").await.expect(201);
    assert_eq!(next_unread(&mut anns).await, (2, 2));
    assert_eq!(read_unread(&mut bens).await, [], "the count stays 0");
}

#[tokio::test]
async fn counts_are_separate_with_shared_total() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let group = made["id"].as_i64().unwrap();
    let direct = people[0].open_direct_used(&people[1]).await;
    let mut bens = people[1].socket("/ws/").await;
    people[0].send(group, "One").await.expect(201);
    assert_eq!(next_unread(&mut bens).await, (1, 2));
    let last = people[0].send(direct, "Two").await.expect(201);
    assert_eq!(next_unread(&mut bens).await, (2, 3));
    has_read(&people[1], &last).await;
    assert_eq!(next_unread(&mut bens).await, (0, 1));
    assert_eq!(
        (unread(&people[1], group).await, total(&people[1]).await),
        (1, 1)
    );
}

/// The first message introduces the conversation together with its count.
#[tokio::test]
async fn first_message_is_counted() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let mut bens = ben.socket("/ws/").await;
    let id = ann.open_direct_used(&ben).await;
    assert_eq!(next_unread(&mut bens).await, (1, 1));
    assert_eq!((unread(&ben, id).await, total(&ben).await), (1, 1));
}

#[tokio::test]
async fn connecting_session_gets_right_count() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    for round in 0..20 {
        let sending = async {
            for _ in 0..3 {
                people[0].send(id, "News").await.expect(201);
            }
        };
        let ((), mut socket) = tokio::join!(sending, people[1].socket("/ws/"));
        let hello = socket.hello["total_unread"].as_i64().unwrap();
        let told = read_unread(&mut socket).await;
        let known = told.last().map_or(hello, |(_, total)| *total);
        assert_eq!(known, 3 * (round + 1), "{hello}, {told:?}");
    }
}
