//! Resuming in a busy conversation, and with a client that reads slowly.

use serde_json::json;

use super::client::{Client, send_many};
use crate::support::{TestApp, TestSocket};
use crate::ws::slow_clients::little_room;

const LENGTH: usize = 9_000;

/// Guards the buffer budget of a session that resumes. The messages sent during
/// the replay exceed the budget by far, and are replayed when the session
/// reaches them.
#[tokio::test]
async fn busy_room_evicts_no_resuming_session() {
    let (_app, [ann, ben], id) = little_room().await;
    let text = "x".repeat(LENGTH);
    // The sender waits for each echo: it is evicted if it falls behind with
    // reading.
    let mut sender = ann.chat_socket(id).await;
    for _ in 0..100 {
        sender.send_text(&text).await;
        sender.expect_message().await;
    }
    for path in [format!("/ws/chat/{id}/"), "/ws/".to_owned()] {
        let mut slow = TestSocket::open_unbuffered(&ben, &path).await;
        slow.expect("hello").await;
        let mut client = Client::of(&[id]);
        if path == "/ws/" {
            client.ask(&mut slow).await;
        } else {
            client.ask_bound(&mut slow, id).await;
        }
        client.apply_frame(&slow.next().await);
        for _ in 0..100 {
            sender.send_text(&text).await;
            sender.expect_message().await;
        }
        client.apply_until(&mut slow, "resumed").await;
        if path == "/ws/" {
            client.apply_until(&mut slow, "synced").await;
        }
        client.check(&ben, id).await;
        sender.send_text("Live.").await;
        sender.expect_message().await;
        client.apply_until(&mut slow, "message").await;
        client.check(&ben, id).await;
    }
}

#[tokio::test]
async fn evicted_client_resumes_without_loss() {
    let (_app, [ann, ben], id) = little_room().await;
    let path = format!("/ws/chat/{id}/");
    let mut client = Client::of(&[id]);
    let mut stalled = TestSocket::open_unbuffered(&ben, &path).await;
    stalled.expect("hello").await;
    client.ask_bound(&mut stalled, id).await;
    client.apply_until(&mut stalled, "resumed").await;
    let mut sender = ann.chat_socket(id).await;
    let text = "x".repeat(LENGTH);
    for _ in 0..200 {
        sender.send_text(&text).await;
        sender.expect_message().await;
    }
    let code = loop {
        match stalled.next_or_close().await {
            Ok(frame) => client.apply_frame(&frame),
            Err(code) => break code,
        }
    };
    assert_eq!(code, 1013);
    let received = client.copies[&id].messages.len();
    assert!(received < 201, "nothing was missed");
    client.cut_off();
    let mut socket = ben.chat_socket(id).await;
    client.ask_bound(&mut socket, id).await;
    client.apply_until(&mut socket, "resumed").await;
    client.check(&ben, id).await;
    socket.send(json!({ "type": "ping" })).await;
    socket.expect("pong").await;
}

/// An interrupted replay moves no cursor: the next replay begins at the same
/// version.
#[tokio::test]
async fn interrupted_replay_starts_over() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    send_many(&ann, id, 200, &"x".repeat(1_000)).await;
    let mut client = Client::of(&[id]);
    for received in [1, 60, 150] {
        let mut socket = ben.chat_socket(id).await;
        client.ask_bound(&mut socket, id).await;
        for _ in 0..received {
            client.apply_frame(&socket.next().await);
        }
        drop(socket);
        client.cut_off();
        assert_eq!(client.copies[&id].cursor, 0);
    }
    let mut socket = ben.chat_socket(id).await;
    client.ask_bound(&mut socket, id).await;
    client.apply_until(&mut socket, "resumed").await;
    client.check(&ben, id).await;
}
