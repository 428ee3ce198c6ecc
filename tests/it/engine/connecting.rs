//! Sessions that connect, and Rooms that start and go, while there is news:
//! from what `hello` says on, no message is missed, and none told twice.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::raw::{LAST, TEXT, frame};
use crate::support::{Person, Socket, TestApp, within};

const ROUNDS: usize = 300;

/// A server whose Rooms go as soon as they have nothing to do, so that hardly
/// any round finds one.
async fn restless() -> (TestApp, Person, Person, i64) {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.room_idle_after = Duration::from_millis(1))
        .spawn()
        .await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    (app, ann, ben, id)
}

/// Reads messages up to the one with the `seq` `last`.
async fn seqs_up_to(socket: &mut Socket, last: i64) -> Vec<i64> {
    let mut seqs = Vec::new();
    while seqs.last().is_none_or(|seq| *seq < last) {
        let message = socket.expect_message().await;
        assert_eq!(message["seq"], message["version"]);
        seqs.push(message["seq"].as_i64().unwrap());
    }
    seqs
}

/// What a bound socket is told follows its `hello`, up to `last`.
async fn assert_complete(socket: &mut Socket, last: i64) {
    let conversation = socket.hello["conversation"].clone();
    assert_eq!(conversation["version"], conversation["last_seq"]);
    let known = conversation["last_seq"].as_i64().unwrap();
    if known < last {
        let seqs = seqs_up_to(socket, last).await;
        assert_eq!(seqs, (known + 1..=last).collect::<Vec<_>>());
    }
    socket.expect_nothing_until_pong().await;
}

/// Guards the moment between a session's place in the Directory and the
/// snapshot that its `hello` is made of: a message committed there is in the
/// snapshot and delivered too.
#[tokio::test]
async fn a_session_that_connects_while_its_room_commits_misses_nothing() {
    let (_app, ann, ben, id) = restless().await;
    let mut sender = ann.chat_socket(id).await;
    let mut last = 1;
    let mut began_before = 0;
    for _ in 0..ROUNDS {
        let sending = async {
            for _ in 0..5 {
                sender.say("News").await;
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
    // Else it wasn't the race that was tested.
    assert!(began_before > 0, "no session connected amid the news");
}

/// The same for a socket that isn't bound. Its `hello` counts what is unread,
/// which is every message here; what it is told goes on from there at the
/// latest.
#[tokio::test]
async fn an_unbound_session_that_connects_amid_news_misses_nothing() {
    let (_app, ann, ben, id) = restless().await;
    let mut sender = ann.chat_socket(id).await;
    let mut last = 1;
    for _ in 0..ROUNDS {
        let sending = async {
            for _ in 0..5 {
                sender.say("News").await;
                sender.expect_message().await;
            }
        };
        let ((), mut socket) = tokio::join!(sending, ben.socket("/ws/"));
        last += 5;
        let counted = socket.hello["total_unread"].as_i64().unwrap();
        if counted < last {
            let told = seqs_up_to(&mut socket, last).await;
            assert!(told[0] <= counted + 1, "{counted} counted, told {told:?}");
            assert_eq!(told, (told[0]..=last).collect::<Vec<_>>());
        }
    }
}

/// Guards the other side: a Room that starts, by a request, finds the session
/// in the Directory, or the session finds its commit.
#[tokio::test]
async fn a_room_that_starts_while_a_session_connects_misses_nobody() {
    let (_app, ann, ben, id) = restless().await;
    let mut last = 1;
    for _ in 0..ROUNDS {
        let (sent, mut socket) = tokio::join!(ann.send(id, "News"), ben.chat_socket(id));
        sent.expect(201);
        last += 1;
        assert_complete(&mut socket, last).await;
    }
}

/// Guards the way to a Room that is going: what is asked of it meanwhile is
/// taken by its successor, and neither loses or repeats a message.
#[tokio::test]
async fn rooms_that_come_and_go_tell_everything_once() {
    let (_app, ann, ben, id) = restless().await;
    let mut here = ann.chat_socket(id).await;
    let mut there = ben.chat_socket(id).await;
    for seq in 2..2 + ROUNDS {
        // By turns and on all ways; a round takes as long as a Room lives.
        match seq % 3 {
            0 => here.say("By socket").await,
            1 => there.say("By socket").await,
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

/// Guards what a client may say before its `hello`: it waits, and is answered
/// in order.
#[tokio::test]
async fn what_is_sent_before_hello_waits_for_it() {
    let (_app, ann, _ben, id) = restless().await;
    for round in 0..20 {
        let path = format!("/ws/chat/{id}/");
        let mut socket = Socket::open(&ann, &path, crate::support::TokenBy::Bearer).await;
        socket.say("Early").await;
        let hello = socket.expect("hello").await;
        let seq = hello["conversation"]["last_seq"].as_i64().unwrap() + 1;
        assert_eq!(seq, round + 2);
        assert_eq!(socket.expect_message().await["seq"], seq);
    }
}

/// The same for what is refused: a frame that can't be read, and one too many.
/// They are there when the session starts, in one packet with the handshake.
#[tokio::test]
async fn what_is_refused_before_hello_is_refused_after_it() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.opening_commands = 4)
        .spawn()
        .await;
    let ann = app.person("ann").await;
    let dance = frame(TEXT | LAST, br#"{"type":"dance"}"#);
    let ping = frame(TEXT | LAST, br#"{"type":"ping"}"#);
    let early = [&dance, &ping, &dance, &ping, &ping, &ping].map(Vec::as_slice);
    let told = told_early(&ann, &early, r#""code":"busy""#, 2).await;
    let types = ["hello", "error", "pong", "error", "pong", "error", "error"];
    assert_eq!(types_of(&told), types, "{told}");
    for (code, count) in [("unknown_type", 2), ("busy", 2)] {
        let code = format!(r#""code":"{code}""#);
        assert_eq!(told.matches(&code).count(), count, "{told}");
    }

    // Whoever goes on like that is let go, and may come again.
    let told = told_early(&ann, &[ping.as_slice(); 9], "too slow to keep up", 1).await;
    assert_eq!(types_of(&told), [] as [&str; 0], "{told}");
}

/// All that a socket is told whose handshake and first frames come together,
/// up to where `last` was told that often.
async fn told_early(person: &Person, frames: &[&[u8]], last: &str, often: usize) -> String {
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
    within("what is told", async {
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

/// The types of the frames in what was told.
fn types_of(told: &str) -> Vec<&str> {
    let frames = told.split(r#""type":""#).skip(1);
    frames
        .map(|frame| frame.split('"').next().unwrap())
        .collect()
}
