//! Stopping a server while clients send.

use std::cell::Cell;
use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{TestApp, TestSocket, TestUser};

/// Messages in flight per socket. The number exceeds that of consecutive errors
/// that close a socket: `busy` during a stop must not count as an error.
const WINDOW: usize = 30;

/// Number of echoes after which the server is stopped.
const ENOUGH: u32 = 200;

#[tokio::test]
async fn echoed_messages_survive_stop() {
    let mut app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let people = [&ann, &ben];
    let (here, there) = (ann.chat_socket(id).await, ben.chat_socket(id).await);
    let mut idle = ben.socket("/ws/").await;

    let echoes = Echoes::default();
    let (one, two, ()) = tokio::join!(
        talk(&ann, here, &echoes),
        talk(&ben, there, &echoes),
        async {
            echoes.enough.notified().await;
            app.restart().await;
        }
    );
    assert_eq!(drained(&mut idle).await, 1001);

    let before = on_disk(&ann, id).await;
    for (person, sent) in people.into_iter().zip([one, two]) {
        let mut socket = person.chat_socket(id).await;
        for (name, echo) in sent {
            if let Some(echo) = echo {
                let on_disk = before.get(&name).map(lasting);
                assert_eq!(on_disk, Some(lasting(&echo)), "an echoed message is stored");
            } else {
                socket.send_text_as(&name, &name).await;
                let found = echo_of(&mut socket, &name).await;
                let first = before.get(&name).map(lasting);
                assert!(first.is_none_or(|first| first == lasting(&found)));
            }
        }
    }
    let after = on_disk(&ann, id).await;
    for (name, message) in before {
        assert_eq!(lasting(&after[&name]), lasting(&message));
    }
}

/// Returns the fields of a message that stay the same when it is read.
fn lasting(message: &Value) -> [&Value; 5] {
    ["id", "seq", "text", "client_id", "created_at"].map(|field| &message[field])
}

#[derive(Default)]
struct Echoes {
    count: Cell<u32>,
    enough: Notify,
}

/// Sends until the server closes the socket. Returns each `client_id` with its
/// echo, or `None` without one.
async fn talk(
    person: &TestUser,
    mut socket: TestSocket,
    echoes: &Echoes,
) -> HashMap<String, Option<Value>> {
    let mut sent = HashMap::new();
    let mut open = 0;
    loop {
        while open < WINDOW {
            let name = format!("{}-{:05}", person.username, sent.len());
            // The server may have closed already; the read below returns the
            // code.
            if !try_say(&mut socket, &name).await {
                break;
            }
            sent.insert(name, None);
            open += 1;
        }
        let frame = match socket.next_or_close().await {
            Ok(frame) => frame,
            Err(code) => {
                assert_eq!(code, 1001);
                return sent;
            }
        };
        if frame["type"] == "error" {
            // A refused message is retried only after the restart.
            assert_eq!(frame["code"], "busy", "{frame}");
        } else if frame["message"]["sender"]["username"] == person.username.as_str() {
            let name = frame["message"]["client_id"].as_str().unwrap();
            sent.insert(name.to_owned(), Some(frame["message"].clone()));
            open -= 1;
            echoes.count.set(echoes.count.get() + 1);
            if echoes.count.get() == ENOUGH {
                echoes.enough.notify_one();
            }
        }
    }
}

async fn try_say(socket: &mut TestSocket, name: &str) -> bool {
    use futures_util::SinkExt;
    use tokio_tungstenite::tungstenite::Message;
    let frame = json!({ "type": "message", "message": name, "client_id": name });
    socket
        .stream
        .send(Message::text(frame.to_string()))
        .await
        .is_ok()
}

async fn echo_of(socket: &mut TestSocket, name: &str) -> Value {
    loop {
        let message = socket.expect_message().await;
        if message["client_id"] == name {
            return message;
        }
    }
}

/// Reads a socket until the server closes it, and returns the close code.
async fn drained(socket: &mut TestSocket) -> u16 {
    loop {
        if let Err(code) = socket.next_or_close().await {
            return code;
        }
    }
}

/// Reads the history. Returns the messages that have a `client_id`, with it as
/// the key. Checks that `seq` has no gaps and that each `client_id` occurs
/// once.
async fn on_disk(person: &TestUser, conversation: i64) -> HashMap<String, Value> {
    let mut found = HashMap::new();
    let mut seq = 0;
    loop {
        let path = format!("/api/conversations/{conversation}/messages/?limit=100&after={seq}");
        let page = person.get(&path).await.expect(200);
        for message in page.as_array().unwrap() {
            seq += 1;
            assert_eq!(message["seq"], seq);
            if let Some(name) = message["client_id"].as_str() {
                assert!(found.insert(name.to_owned(), message.clone()).is_none());
            }
        }
        if page.as_array().unwrap().is_empty() {
            return found;
        }
    }
}
