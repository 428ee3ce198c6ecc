//! Resuming while others write as fast as they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::client::Client;
use crate::groups::crew::{friends, make};
use crate::support::{Person, Socket, TestApp};

/// How many messages of each writer are on their way at once.
const AT_ONCE: usize = 4;

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test goes on is no setting of the server's"
)]
fn rounds() -> usize {
    let rounds = std::env::var("TIDINGS_RESUME_ROUNDS");
    rounds.map_or(50, |rounds| rounds.parse().unwrap())
}

/// Writes, several at a time, edits, reacts and withdraws, by turns in all of
/// these, until told to stop.
async fn writes(person: Person, ids: Vec<i64>, stop: Arc<AtomicBool>) {
    let mut socket = person.socket("/ws/").await;
    for at in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = ids[at % ids.len()];
        let name = format!("{}-{at}", person.username);
        let say = |name: &str| {
            json!({ "type": "message", "conversation_id": id, "message": "News",
                "client_id": name })
        };
        for other in 1..AT_ONCE {
            socket.send(say(&format!("{name}-{other}"))).await;
        }
        socket.send(say(&name)).await;
        let told = hear(&mut socket, |frame| frame["message"]["client_id"] == name).await;
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
        hear(&mut socket, |frame| {
            frame["type"] == "message_updated" && frame["message"]["id"] == message
        })
        .await;
    }
}

async fn hear(socket: &mut Socket, is_it: impl Fn(&Value) -> bool) -> Value {
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
    ben: Person,
    ids: Vec<i64>,
    stop: Arc<AtomicBool>,
    writers: Vec<tokio::task::JoinHandle<()>>,
}

/// Three who write, and Ben, who comes and goes.
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

/// Guards the seams of a replay: between the frames told before it and its
/// first round, between its rounds, and between the last and what is live.
#[tokio::test]
async fn a_replay_amid_news_misses_nothing_and_tells_nothing_twice() {
    let mut crowd = crowd(1).await;
    let id = crowd.ids[0];
    let mut client = Client::of(&[id]);
    let mut live = 0;
    for round in 0..rounds() {
        let mut socket = crowd.ben.chat_socket(id).await;
        client.ask_bound(&mut socket, id).await;
        if round % 7 == 3 {
            // Cut off amid the replay, or right after it.
            client.hear(&socket.next().await);
        } else {
            client.hear_until(&mut socket, "resumed").await;
            for _ in 0..round % 5 {
                client.hear(&socket.next().await);
                live += 1;
            }
        }
        client.cut_off();
    }
    assert!(live > 0 || rounds() < 2, "nothing was told meanwhile");
    crowd.calm().await;
    let mut socket = crowd.ben.chat_socket(id).await;
    client.ask_bound(&mut socket, id).await;
    client.hear_until(&mut socket, "resumed").await;
    client.check(&crowd.ben, id).await;
}

/// Who resumes stays, and what is told to them from then on is everything.
#[tokio::test]
async fn what_follows_a_replay_amid_news_is_everything() {
    let mut crowd = crowd(1).await;
    let id = crowd.ids[0];
    let mut sockets = Vec::new();
    for _ in 0..10 {
        let mut client = Client::of(&[id]);
        let mut socket = crowd.ben.chat_socket(id).await;
        client.ask_bound(&mut socket, id).await;
        client.hear_until(&mut socket, "resumed").await;
        sockets.push((client, socket));
    }
    crowd.calm().await;
    for (mut client, mut socket) in sockets {
        socket.send(json!({ "type": "ping" })).await;
        client.hear_until(&mut socket, "pong").await;
        client.check(&crowd.ben, id).await;
    }
}

/// The same over several conversations, which are brought up one after the
/// other while all of them go on.
#[tokio::test]
async fn all_replayed_at_once_amid_news_misses_nothing() {
    let mut crowd = crowd(4).await;
    // One that it doesn't know is shown to it.
    let mut client = Client::of(&crowd.ids[1..]);
    for round in 0..rounds() {
        let mut socket = crowd.ben.socket("/ws/").await;
        client.ask(&mut socket).await;
        if round % 7 == 3 {
            client.hear(&socket.next().await);
        } else {
            client.hear_until(&mut socket, "synced").await;
            for _ in 0..round % 5 {
                client.hear(&socket.next().await);
            }
        }
        client.cut_off();
    }
    let mut socket = crowd.ben.socket("/ws/").await;
    client.ask(&mut socket).await;
    client.hear_until(&mut socket, "synced").await;
    crowd.calm().await;
    socket.send(json!({ "type": "ping" })).await;
    client.hear_until(&mut socket, "pong").await;
    for id in &crowd.ids[1..] {
        client.check(&crowd.ben, *id).await;
    }
    client.check_end(&crowd.ben, crowd.ids[0]).await;
}
