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
        .settings(|settings| settings.session_buffer = 32 * 1024)
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
