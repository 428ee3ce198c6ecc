//! Resuming while other members write as fast as they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::client::Client;
use crate::groups::crew::{friends, make};
use crate::support::{TestApp, TestSocket, TestUser};

/// Messages in flight per writer.
const AT_ONCE: usize = 4;

#[expect(
    clippy::disallowed_methods,
    reason = "the test's duration is not a server setting"
)]
fn rounds() -> usize {
    let rounds = std::env::var("TIDINGS_RESUME_ROUNDS");
    rounds.map_or(50, |rounds| rounds.parse().unwrap())
}

/// Sends, edits, reacts and deletes in these conversations in turn, until
/// `stop` is set.
async fn writes(person: TestUser, ids: Vec<i64>, stop: Arc<AtomicBool>) {
    let mut socket = person.socket("/ws/").await;
    for at in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = ids[at % ids.len()];
        let name = format!("{}-{at}", person.username);
        let text_frame = |name: &str| {
            json!({ "type": "message", "conversation_id": id, "message": "News",
                "client_id": name })
        };
        for other in 1..AT_ONCE {
            socket.send(text_frame(&format!("{name}-{other}"))).await;
        }
        socket.send(text_frame(&name)).await;
        let told = wait_for_frame(&mut socket, |frame| frame["message"]["client_id"] == name).await;
        let message = told["message"]["id"].clone();
        let touch = match at % 4 {
            0 => json!({ "type": "edit", "message": "Olds" }),
            1 => json!({ "type": "reaction", "emoji": "👍", "on": true }),
            2 => json!({ "type": "delete" }),
            _ => continue,
        };
        let mut touch = touch;
        touch["conversation_id"] = json!(id);
        touch["message_id"] = message.clone();
        socket.send(touch).await;
        wait_for_frame(&mut socket, |frame| {
            frame["type"] == "message_updated" && frame["message"]["id"] == message
        })
        .await;
    }
}

async fn wait_for_frame(socket: &mut TestSocket, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let frame = socket.next().await;
        assert_ne!(frame["type"], "error", "{frame}");
        if is_it(&frame) {
            return frame;
        }
    }
}

struct Crowd {
    _app: TestApp,
    ben: TestUser,
    ids: Vec<i64>,
    stop: Arc<AtomicBool>,
    writers: Vec<tokio::task::JoinHandle<()>>,
}

/// Starts three writers. Ben is the member that resumes.
async fn crowd(conversations: usize) -> Crowd {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan"]).await;
    let mut ids = Vec::new();
    for _ in 0..conversations {
        let made = make(&people[0], "Crowd", &["ben", "cas", "dan"]).await;
        let made = made.expect(201);
        ids.push(made["id"].as_i64().unwrap());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers = [&people[0], &people[2], &people[3]];
    let writers =
        writers.map(|person| tokio::spawn(writes(person.clone(), ids.clone(), Arc::clone(&stop))));
    Crowd {
        _app: app,
        ben: people[1].clone(),
        ids,
        stop,
        writers: writers.into(),
    }
}

impl Crowd {
    async fn calm(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for writer in self.writers.drain(..) {
            writer.await.unwrap();
        }
    }
}

/// Guards against lost and repeated frames at the boundaries of a replay:
/// before its first round, between rounds, and after its last round.
#[tokio::test]
async fn replay_under_load_is_exactly_once() {
    let mut crowd = crowd(1).await;
    let id = crowd.ids[0];
    let mut client = Client::of(&[id]);
    let mut live = 0;
    for round in 0..rounds() {
        let mut socket = crowd.ben.chat_socket(id).await;
        client.ask_bound(&mut socket, id).await;
        if round % 7 == 3 {
            // The client disconnects during the replay, or right after it.
            client.apply_frame(&socket.next().await);
        } else {
            client.apply_until(&mut socket, "resumed").await;
            for _ in 0..round % 5 {
                client.apply_frame(&socket.next().await);
                live += 1;
            }
        }
        client.cut_off();
    }
    assert!(live > 0 || rounds() < 2, "no live frame came");
    crowd.calm().await;
    let mut socket = crowd.ben.chat_socket(id).await;
    client.ask_bound(&mut socket, id).await;
    client.apply_until(&mut socket, "resumed").await;
    client.check(&crowd.ben, id).await;
}

/// Ten sockets stay open after their replay and miss no live message.
#[tokio::test]
async fn live_messages_follow_replay_completely() {
    let mut crowd = crowd(1).await;
    let id = crowd.ids[0];
    let mut sockets = Vec::new();
    for _ in 0..10 {
        let mut client = Client::of(&[id]);
        let mut socket = crowd.ben.chat_socket(id).await;
        client.ask_bound(&mut socket, id).await;
        client.apply_until(&mut socket, "resumed").await;
        sockets.push((client, socket));
    }
    crowd.calm().await;
    for (mut client, mut socket) in sockets {
        socket.send(json!({ "type": "ping" })).await;
        client.apply_until(&mut socket, "pong").await;
        client.check(&crowd.ben, id).await;
    }
}

/// Several conversations are replayed one after another while messages arrive
/// in all of them.
#[tokio::test]
async fn replay_of_all_conversations_misses_nothing() {
    let mut crowd = crowd(4).await;
    // The client has no cursor for the first conversation, so the server sends
    // that conversation too.
    let mut client = Client::of(&crowd.ids[1..]);
    for round in 0..rounds() {
        let mut socket = crowd.ben.socket("/ws/").await;
        client.ask(&mut socket).await;
        if round % 7 == 3 {
            client.apply_frame(&socket.next().await);
        } else {
            client.apply_until(&mut socket, "synced").await;
            for _ in 0..round % 5 {
                client.apply_frame(&socket.next().await);
            }
        }
        client.cut_off();
    }
    let mut socket = crowd.ben.socket("/ws/").await;
    client.ask(&mut socket).await;
    client.apply_until(&mut socket, "synced").await;
    crowd.calm().await;
    socket.send(json!({ "type": "ping" })).await;
    client.apply_until(&mut socket, "pong").await;
    for id in &crowd.ids[1..] {
        client.check(&crowd.ben, *id).await;
    }
    client.check_end(&crowd.ben, crowd.ids[0]).await;
}
