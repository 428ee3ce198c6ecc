//! Clients that don't keep up.

use serde_json::json;

use crate::support::{Person, Socket, TestApp, until};

/// So many messages of so many characters are more than all buffers on the
/// way to a client that doesn't read: the session's, the server's, and both
/// systems'.
const MESSAGES: usize = 200;
const LENGTH: usize = 9_000;

/// Two who talk, where little is kept for whoever doesn't read.
pub(crate) async fn little_room() -> (TestApp, [Person; 2], i64) {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.session_buffer = 32 * 1024;
            settings.limits.session_buffer_max = 64 * 1024;
        })
        .spawn()
        .await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    (app, [ann, ben], id)
}

#[tokio::test]
async fn a_reader_that_stops_is_let_go_and_the_others_feel_nothing() {
    let (_app, [ann, ben], id) = little_room().await;
    let path = format!("/ws/chat/{id}/");
    let mut stalled = Socket::open_unbuffered(&ben, &path).await;
    stalled.expect("hello").await;
    let mut reads_on = ben.chat_socket(id).await;
    let mut sender = ann.chat_socket(id).await;

    let text = "x".repeat(LENGTH);
    for seq in 2..2 + MESSAGES {
        sender.say(&text).await;
        assert_eq!(sender.expect_message().await["seq"], json!(seq));
        assert_eq!(reads_on.expect_message().await["seq"], json!(seq));
    }

    // Reading again, it finds a part without a gap, and why there is no more.
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
    assert!(seq < 1 + MESSAGES, "it was told everything");
}

/// A message of 40 KB.
fn long_text() -> String {
    "🙂".repeat(10_000)
}

/// Sends as many messages, twenty at a time, and takes the echoes.
async fn send_many(sender: &mut Socket, messages: usize, text: &str) {
    let frame = json!({ "type": "message", "message": text });
    for _ in 0..messages / 20 {
        sender.send_together(vec![frame.clone(); 20]).await;
        for _ in 0..20 {
            sender.expect_message().await;
        }
    }
}

/// Guards a reader that is busy for a moment: what waits for it is six times
/// the budget, and all of it is still there when it reads again.
#[tokio::test]
async fn burst_to_busy_reader_closes_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut busy = Socket::open_unbuffered(&ben, &format!("/ws/chat/{id}/")).await;
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
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut slow = Socket::open_unbuffered(&ann, &format!("/ws/chat/{id}/")).await;
    slow.expect("hello").await;
    let frame = json!({ "type": "message", "message": long_text() });
    slow.send_together(vec![frame.clone(); 16]).await;
    for seq in 2..2602 {
        assert_eq!(slow.expect_message().await["seq"], json!(seq));
        slow.send(frame.clone()).await;
    }
}

/// Above the budget of all sessions together, the one that took nothing for
/// longest goes; the other loses nothing.
#[tokio::test]
async fn longest_stall_goes_above_total_budget() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.total_session_buffer = 2 * 1024 * 1024;
            settings.timings.stall_within = std::time::Duration::from_secs(600);
        })
        .spawn()
        .await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cat = app.person("cat").await;
    ann.connect_with(&cat).await;
    let mut stalled = Vec::new();
    for (person, messages) in [(&ben, 200), (&cat, 240)] {
        let id = ann.talk_with(person).await;
        let path = format!("/ws/chat/{id}/");
        let mut socket = Socket::open_unbuffered(person, &path).await;
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
    assert_eq!(first.closes_in_the_end().await, 1013);
}

/// The actor of a client that takes nothing at all is never polled again, so
/// that no heartbeat can end it: the kernel does, after 15 seconds.
#[tokio::test]
async fn a_client_that_never_reads_again_is_gone_at_last() {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.presence_grace = std::time::Duration::ZERO)
        .spawn()
        .await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let path = format!("/ws/chat/{id}/");
    let mut stalled = Socket::open_unbuffered(&ben, &path).await;
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
        sender.say(&text).await;
        sender.expect_message().await;
    }
    until("the client to be gone", || is_online(false)).await;
    drop(stalled);
}
