//! Catching up with what doesn't stop, and with a client that hardly reads.

use serde_json::json;

use super::client::{Client, say_many};
use crate::support::{Socket, TestApp};
use crate::ws::slow::little_room;

const LENGTH: usize = 9_000;

/// Guards the budget of whoever catches up: what is told meanwhile is more
/// than it by far, and is replayed when they come to it.
#[tokio::test]
async fn a_busy_room_lets_nobody_go_who_catches_up() {
    let (_app, [ann, ben], id) = little_room().await;
    let text = "x".repeat(LENGTH);
    // One after the other: who reads is let go like anybody who doesn't keep up.
    let mut sender = ann.chat_socket(id).await;
    for _ in 0..100 {
        sender.say(&text).await;
        sender.expect_message().await;
    }
    for path in [format!("/ws/chat/{id}/"), "/ws/".to_owned()] {
        let mut slow = Socket::open_unbuffered(&ben, &path).await;
        slow.expect("hello").await;
        let mut client = Client::of(&[id]);
        if path == "/ws/" {
            client.ask(&mut slow).await;
        } else {
            client.ask_bound(&mut slow, id).await;
        }
        client.hear(&slow.next().await);
        for _ in 0..100 {
            sender.say(&text).await;
            sender.expect_message().await;
        }
        client.hear_until(&mut slow, "resumed").await;
        if path == "/ws/" {
            client.hear_until(&mut slow, "synced").await;
        }
        client.check(&ben, id).await;
        sender.say("Live.").await;
        sender.expect_message().await;
        client.hear_until(&mut slow, "message").await;
        client.check(&ben, id).await;
    }
}

/// Who was let go finds by resuming what they weren't told.
#[tokio::test]
async fn who_was_let_go_loses_nothing_by_resuming() {
    let (_app, [ann, ben], id) = little_room().await;
    let path = format!("/ws/chat/{id}/");
    let mut client = Client::of(&[id]);
    let mut stalled = Socket::open_unbuffered(&ben, &path).await;
    stalled.expect("hello").await;
    client.ask_bound(&mut stalled, id).await;
    client.hear_until(&mut stalled, "resumed").await;
    let mut sender = ann.chat_socket(id).await;
    let text = "x".repeat(LENGTH);
    for _ in 0..200 {
        sender.say(&text).await;
        sender.expect_message().await;
    }
    let code = loop {
        match stalled.next_or_close().await {
            Ok(frame) => client.hear(&frame),
            Err(code) => break code,
        }
    };
    assert_eq!(code, 1013);
    let heard = client.copies[&id].messages.len();
    assert!(heard < 201, "it was told everything");
    client.cut_off();
    let mut socket = ben.chat_socket(id).await;
    client.ask_bound(&mut socket, id).await;
    client.hear_until(&mut socket, "resumed").await;
    client.check(&ben, id).await;
    socket.send(json!({ "type": "ping" })).await;
    socket.expect("pong").await;
}

/// A replay that is cut off moves no cursor: the next begins where it did.
#[tokio::test]
async fn a_replay_that_is_cut_off_is_begun_again() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    say_many(&ann, id, 200, &"x".repeat(1_000)).await;
    let mut client = Client::of(&[id]);
    for heard in [1, 60, 150] {
        let mut socket = ben.chat_socket(id).await;
        client.ask_bound(&mut socket, id).await;
        for _ in 0..heard {
            client.hear(&socket.next().await);
        }
        drop(socket);
        client.cut_off();
        assert_eq!(client.copies[&id].cursor, 0);
    }
    let mut socket = ben.chat_socket(id).await;
    client.ask_bound(&mut socket, id).await;
    client.hear_until(&mut socket, "resumed").await;
    client.check(&ben, id).await;
}
