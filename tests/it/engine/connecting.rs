//! Sessions that connect, and Rooms that start and stop, while messages are
//! sent: each message after `hello` arrives exactly once.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::raw_frames::{FINAL_BIT, TEXT, encode_frame};
use crate::support::{TestApp, TestSocket, TestUser, within};

const ROUNDS: usize = 300;

/// Starts a server whose Rooms stop as soon as they are idle, so that most
/// rounds start a new one.
async fn short_lived_rooms() -> (TestApp, TestUser, TestUser, i64) {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.room_idle_after = Duration::from_millis(1))
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    (app, ann, ben, id)
}

/// Reads messages up to `seq` `last` and returns their `seq`s.
async fn seqs_up_to(socket: &mut TestSocket, last: i64) -> Vec<i64> {
    let mut seqs = Vec::new();
    while seqs.last().is_none_or(|seq| *seq < last) {
        let message = socket.expect_message().await;
        assert_eq!(message["seq"], message["version"]);
        seqs.push(message["seq"].as_i64().unwrap());
    }
    seqs
}

/// Checks that a bound socket gets every message after its `hello`, up to
/// `last`, once and in order.
async fn assert_complete(socket: &mut TestSocket, last: i64) {
    let conversation = socket.hello["conversation"].clone();
    assert_eq!(conversation["version"], conversation["last_seq"]);
    let known = conversation["last_seq"].as_i64().unwrap();
    if known < last {
        let seqs = seqs_up_to(socket, last).await;
        assert_eq!(seqs, (known + 1..=last).collect::<Vec<_>>());
    }
    socket.expect_nothing_until_pong().await;
}

/// Guards the gap between a session's entry in the Directory and the snapshot
/// for its `hello`. A message committed in this gap is in the snapshot and also
/// delivered.
#[tokio::test]
async fn session_connecting_during_commit_misses_nothing() {
    let (_app, ann, ben, id) = short_lived_rooms().await;
    let mut sender = ann.chat_socket(id).await;
    let mut last = 1;
    let mut began_before = 0;
    for _ in 0..ROUNDS {
        let sending = async {
            for _ in 0..5 {
                sender.send_text("News").await;
                sender.expect_message().await;
            }
        };
        let ((), mut socket) = tokio::join!(sending, ben.chat_socket(id));
        let before = last;
        last += 5;
        let known = socket.hello["conversation"]["last_seq"].as_i64().unwrap();
        if known > before && known < last {
            began_before += 1;
        }
        assert_complete(&mut socket, last).await;
    }
    // Without such a session, the race did not occur.
    assert!(
        began_before > 0,
        "no session connected between two messages"
    );
}

/// On an unbound socket, `hello` has the unread count, here the number of all
/// messages. No message is missing between that count and the first delivered
/// message.
#[tokio::test]
async fn unbound_session_connecting_misses_nothing() {
    let (_app, ann, ben, id) = short_lived_rooms().await;
    let mut sender = ann.chat_socket(id).await;
    let mut last = 1;
    for _ in 0..ROUNDS {
        let sending = async {
            for _ in 0..5 {
                sender.send_text("News").await;
                sender.expect_message().await;
            }
        };
        let ((), mut socket) = tokio::join!(sending, ben.socket("/ws/"));
        last += 5;
        let counted = socket.hello["total_unread"].as_i64().unwrap();
        if counted < last {
            let told = seqs_up_to(&mut socket, last).await;
            assert!(
                told[0] <= counted + 1,
                "{counted} counted, received {told:?}"
            );
            assert_eq!(told, (told[0]..=last).collect::<Vec<_>>());
        }
    }
}

/// Guards the opposite race: a request starts a Room while a session connects.
/// The Room finds the session in the Directory, or the session's snapshot has
/// the Room's commit.
#[tokio::test]
async fn starting_room_reaches_connecting_session() {
    let (_app, ann, ben, id) = short_lived_rooms().await;
    let mut last = 1;
    for _ in 0..ROUNDS {
        let (sent, mut socket) = tokio::join!(ann.send(id, "News"), ben.chat_socket(id));
        sent.expect(201);
        last += 1;
        assert_complete(&mut socket, last).await;
    }
}

/// Guards commands to a Room that is stopping: the next Room handles them, and
/// neither Room loses or repeats a message.
#[tokio::test]
async fn short_lived_rooms_send_everything_once() {
    let (_app, ann, ben, id) = short_lived_rooms().await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    for seq in 2..2 + ROUNDS {
        // Alternates between sockets and REST. A round takes about as long as a
        // Room lives.
        match seq % 3 {
            0 => here.send_text("By socket").await,
            1 => there.send_text("By socket").await,
            _ => {
                let sent = ann.send(id, "By REST").await.expect(201);
                assert_eq!(sent["seq"], json!(seq));
            }
        }
        let told = here.expect_message().await;
        assert_eq!(told["seq"], json!(seq));
        assert_eq!(there.expect_message().await, told);
    }
    here.expect_nothing_until_pong().await;
    there.expect_nothing_until_pong().await;
}

/// Guards commands that arrive before the server sends `hello`: it answers them
/// after `hello`, in order.
#[tokio::test]
async fn command_before_hello_is_answered_after() {
    let (_app, ann, _ben, id) = short_lived_rooms().await;
    for round in 0..20 {
        let path = format!("/ws/chat/{id}/");
        let mut socket =
            TestSocket::open(&ann, &path, crate::support::TokenTransport::Bearer).await;
        socket.send_text("Early").await;
        let hello = socket.expect("hello").await;
        let seq = hello["conversation"]["last_seq"].as_i64().unwrap() + 1;
        assert_eq!(seq, round + 2);
        assert_eq!(socket.expect_message().await["seq"], seq);
    }
}

/// Invalid frames and frames above the limit are refused after `hello`. The
/// frames arrive in one packet with the handshake, before the session starts.
#[tokio::test]
async fn early_frame_errors_follow_hello() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.opening_commands = 4)
        .spawn()
        .await;
    let ann = app.register_user("ann").await;
    let dance = encode_frame(TEXT | FINAL_BIT, br#"{"type":"dance"}"#);
    let ping = encode_frame(TEXT | FINAL_BIT, br#"{"type":"ping"}"#);
    let early = [&dance, &ping, &dance, &ping, &ping, &ping].map(Vec::as_slice);
    let told = early_output(&ann, &early, r#""code":"busy""#, 2).await;
    let types = ["hello", "error", "pong", "error", "pong", "error", "error"];
    assert_eq!(types_of(&told), types, "{told}");
    for (code, count) in [("unknown_type", 2), ("busy", 2)] {
        let code = format!(r#""code":"{code}""#);
        assert_eq!(told.matches(&code).count(), count, "{told}");
    }

    // Still more early frames close the socket.
    let told = early_output(&ann, &[ping.as_slice(); 9], "too slow to keep up", 1).await;
    assert_eq!(types_of(&told), [] as [&str; 0], "{told}");
}

/// Sends the handshake and `frames` in one packet. Returns the server's output
/// as soon as it contains the text `last` `often` times.
async fn early_output(person: &TestUser, frames: &[&[u8]], last: &str, often: usize) -> String {
    let mut stream = TcpStream::connect(person.site.address()).await.unwrap();
    let head = format!(
        "GET /ws/ HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        person.token
    );
    let all = [head.as_bytes(), &frames.concat()].concat();
    stream.write_all(&all).await.unwrap();
    let mut told = Vec::new();
    within("the frames", async {
        loop {
            let text = String::from_utf8_lossy(&told);
            if text.matches(last).count() == often {
                return text.into_owned();
            }
            let read = stream.read_buf(&mut told).await.unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&told));
        }
    })
    .await
}

/// Returns the types of the frames in a received text.
fn types_of(received: &str) -> Vec<&str> {
    let frames = received.split(r#""type":""#).skip(1);
    frames
        .map(|frame| frame.split('"').next().unwrap())
        .collect()
}
