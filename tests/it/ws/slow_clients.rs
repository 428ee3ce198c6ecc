//! Clients that don't keep up with their messages.

use serde_json::json;

use crate::support::{TestApp, TestSocket, TestUser, until};

/// 200 messages of this length exceed all buffers between the server and a
/// client that doesn't read: the session's, the server's, and both kernels'.
const MESSAGES: usize = 200;
const LENGTH: usize = 9_000;

/// Starts a server with small session budgets, and two users with a
/// conversation.
pub(crate) async fn little_room() -> (TestApp, [TestUser; 2], i64) {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.session_buffer = 32 * 1024;
            settings.limits.session_buffer_max = 64 * 1024;
        })
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    (app, [ann, ben], id)
}

#[tokio::test]
async fn stalled_reader_is_evicted_alone() {
    let (_app, [ann, ben], id) = little_room().await;
    let path = format!("/ws/chat/{id}/");
    let mut stalled = TestSocket::open_unbuffered(&ben, &path).await;
    stalled.expect("hello").await;
    let mut reads_on = ben.chat_socket(id).await;
    let mut sender = ann.chat_socket(id).await;

    let text = "x".repeat(LENGTH);
    for seq in 2..2 + MESSAGES {
        sender.send_text(&text).await;
        assert_eq!(sender.expect_message().await["seq"], json!(seq));
        assert_eq!(reads_on.expect_message().await["seq"], json!(seq));
    }

    // When the stalled client reads again, it receives messages without a gap,
    // then the close code.
    let mut seq = 1;
    let code = loop {
        match stalled.next_or_close().await {
            Ok(frame) => {
                seq += 1;
                assert_eq!(frame["message"]["seq"], json!(seq));
            }
            Err(code) => break code,
        }
    };
    assert_eq!(code, 1013);
    assert!(seq < 1 + MESSAGES, "it received every message");
}

/// Returns a text of 40 KB.
fn long_text() -> String {
    "🙂".repeat(10_000)
}

/// Sends this many messages, twenty at a time, and reads the echoes.
async fn send_many(sender: &mut TestSocket, messages: usize, text: &str) {
    let frame = json!({ "type": "message", "message": text });
    for _ in 0..messages / 20 {
        sender.send_together(vec![frame.clone(); 20]).await;
        for _ in 0..20 {
            sender.expect_message().await;
        }
    }
}

/// Guards a reader that is busy for a moment: six times its budget is queued,
/// and all of it still arrives.
#[tokio::test]
async fn burst_to_busy_reader_closes_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut busy = TestSocket::open_unbuffered(&ben, &format!("/ws/chat/{id}/")).await;
    busy.expect("hello").await;
    let mut sender = ann.chat_socket(id).await;
    send_many(&mut sender, 40, &long_text()).await;
    for seq in 2..42 {
        assert_eq!(busy.expect_message().await["seq"], json!(seq));
    }
    busy.expect_nothing_until_pong().await;
}

/// Sixteen messages of 40 KB are on their way at any time, 104 MB in all.
#[tokio::test]
async fn sixteen_messages_in_flight_close_nothing() {
    let app = TestApp::builder()
        .settings(|settings| settings.text_per_day = 0)
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut slow = TestSocket::open_unbuffered(&ann, &format!("/ws/chat/{id}/")).await;
    slow.expect("hello").await;
    let frame = json!({ "type": "message", "message": long_text() });
    slow.send_together(vec![frame.clone(); 16]).await;
    for seq in 2..2602 {
        assert_eq!(slow.expect_message().await["seq"], json!(seq));
        slow.send(frame.clone()).await;
    }
}

/// If all sessions together exceed their total budget, the session without
/// progress for longest is evicted. The other session loses nothing.
#[tokio::test]
async fn longest_stall_is_evicted_first() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.total_session_buffer = 2 * 1024 * 1024;
            settings.timings.stall_within = std::time::Duration::from_secs(600);
        })
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let mut stalled = Vec::new();
    for (person, messages) in [(&ben, 200), (&cat, 240)] {
        let id = ann.open_direct_used(person).await;
        let path = format!("/ws/chat/{id}/");
        let mut socket = TestSocket::open_unbuffered(person, &path).await;
        socket.expect("hello").await;
        let mut sender = ann.chat_socket(id).await;
        send_many(&mut sender, messages, &"x".repeat(LENGTH)).await;
        stalled.push(socket);
    }
    let mut later = stalled.pop().unwrap();
    let mut first = stalled.pop().unwrap();
    for seq in 2..242 {
        assert_eq!(later.expect_message().await["seq"], json!(seq));
    }
    later.expect_nothing_until_pong().await;
    assert_eq!(first.wait_for_close().await, 1013);
}

/// The actor of a client that takes no bytes is never polled again, so no
/// heartbeat can end it. The kernel does, after 15 seconds.
#[tokio::test]
async fn client_that_never_reads_is_disconnected() {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.presence_grace = std::time::Duration::ZERO)
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let path = format!("/ws/chat/{id}/");
    let mut stalled = TestSocket::open_unbuffered(&ben, &path).await;
    stalled.expect("hello").await;
    let mut sender = ann.chat_socket(id).await;
    let is_online = async |wanted: bool| {
        let seen = ann.conversation(id).await;
        let people = seen["participants"].as_array().unwrap();
        let there = people
            .iter()
            .find(|one| one["user"]["id"] == ben.id)
            .unwrap();
        (there["is_online"] == wanted).then_some(())
    };
    until("the client to be online", || is_online(true)).await;
    let text = "x".repeat(LENGTH);
    for _ in 0..MESSAGES {
        sender.send_text(&text).await;
        sender.expect_message().await;
    }
    until("the client to be gone", || is_online(false)).await;
    drop(stalled);
}
