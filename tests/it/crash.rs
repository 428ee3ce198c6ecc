//! `kill -9` under load: acknowledged messages are stored once and in order,
//! and unacknowledged ones can be sent again.
//!
//! `TIDINGS_CRASH_ROUNDS` sets the number of kills (default 3).
//! `TIDINGS_CRASH_SEED` repeats a run's choices, but not its timing.

mod alive;
mod client;
mod server;
mod traffic;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use entity::Millis;
use serde_json::Value;

use crate::support::{TestApp, until};
use client::Client;
use server::Server;
use traffic::{Sent, Traffic};

#[expect(
    clippy::disallowed_methods,
    reason = "the test's duration is not a server setting"
)]
fn knob(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap())
}

/// A seeded random number generator (SplitMix64).
struct Chance(u64);

impl Chance {
    /// Returns a number from 1 to `most`.
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        1 + (mixed ^ (mixed >> 31)) % most
    }
}

#[tokio::test]
async fn acknowledged_messages_survive_kill() {
    let rounds = knob("TIDINGS_CRASH_ROUNDS").unwrap_or(3);
    let seed = knob("TIDINGS_CRASH_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("TIDINGS_CRASH_SEED={seed}");
    let mut chance = Chance(seed);
    // This app only provides the database: the server that is killed is a
    // process.
    let mut app = TestApp::spawn().await;
    app.stop().await;
    let database = app.database().url_text();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &database).await;
    for round in 1..=rounds {
        let acknowledged = chance.up_to(400);
        let window = chance.up_to(16);
        println!("round {round}: killed after {acknowledged} echoes, {window} in flight each");
        let people = People::register(&server, round).await;
        people.are_online(true).await;
        let traffic = Traffic::until_killed(&people.all, window, acknowledged, &mut server).await;
        let killed = Millis::now();
        server = Server::start(folder.path(), &database).await;
        people.moved_to(&server);
        people.are_online(false).await;
        people.were_seen_before(killed).await;
        people.check_acknowledged(&traffic).await;
        people.send_again(&traffic).await;
        people.check_all(&traffic).await;
    }
}

/// Three users, each in a conversation with each of the others.
struct People {
    all: Vec<Client>,
    conversations: Vec<i64>,
}

impl People {
    async fn register(server: &Server, round: u64) -> Self {
        let mut all = Vec::new();
        for name in ["ann", "bob", "cyd"] {
            all.push(Client::register(server.address(), &format!("{name}{round}")).await);
        }
        let mut conversations = Vec::new();
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let id = all[one].talk_with(&all[other]).await;
            conversations.push(id);
            for person in [one, other] {
                all[person].conversations.push(id);
            }
        }
        for person in &mut all {
            person.connect().await;
        }
        Self { all, conversations }
    }

    fn moved_to(&self, server: &Server) {
        for person in &self.all {
            person.moved_to(server.address());
        }
    }

    /// Waits until all users are online. If `online` is false, checks at once
    /// that all are offline and have a last seen time.
    async fn are_online(&self, online: bool) {
        for person in &self.all {
            let is_so = async |person: &Client| {
                let seen = person.conversation(person.conversations[0]).await;
                let others = seen["participants"].as_array().unwrap();
                others.iter().all(|other| {
                    let was_seen = other["last_seen"].is_string();
                    other["is_online"] == online && (online || was_seen)
                })
            };
            if online {
                until("all to be online", async || {
                    is_so(person).await.then_some(())
                })
                .await;
            } else {
                assert!(is_so(person).await, "no user is online after a crash");
            }
        }
    }

    /// Checks that each user was last seen within the minute before the kill.
    async fn were_seen_before(&self, killed: Millis) {
        for person in &self.all {
            let seen = person.conversation(person.conversations[0]).await;
            for other in seen["participants"].as_array().unwrap() {
                let at: jiff::Timestamp = other["last_seen"].as_str().unwrap().parse().unwrap();
                let before = killed.0 - at.as_millisecond();
                assert!((0..60_000).contains(&before), "{before} ms before");
            }
        }
    }

    /// Returns a conversation's messages, with the `client_id` as the key.
    /// Checks that `seq` has no gaps and each `client_id` occurs once.
    async fn by_name(&self, conversation: i64) -> HashMap<String, Value> {
        let mut people = self.all.iter();
        let reader = people.find(|person| person.conversations.contains(&conversation));
        let history = reader.unwrap().history(conversation).await;
        let mut found = HashMap::new();
        for (message, seq) in history.into_iter().zip(1..) {
            assert_eq!(message["seq"], seq, "dense");
            let name = message["client_id"].as_str().unwrap().to_owned();
            assert!(found.insert(name, message).is_none(), "once");
        }
        found
    }

    /// Checks that each acknowledged message is stored as it was echoed.
    async fn check_acknowledged(&self, traffic: &Traffic) {
        for &conversation in &self.conversations {
            let found = self.by_name(conversation).await;
            for sent in traffic
                .sent
                .iter()
                .filter(|sent| sent.conversation == conversation)
            {
                let on_disk = found.get(&sent.name);
                if let Some(echo) = &sent.echo {
                    let on_disk = on_disk.unwrap_or_else(|| panic!("{sent:?} is lost"));
                    for field in ["id", "seq", "version", "text", "created_at"] {
                        assert_eq!(on_disk[field], echo[field], "{field} of {sent:?}");
                    }
                }
                // Messages that other members received are stored too.
                if let Some(seen) = traffic.seen.get(&sent.name) {
                    assert_eq!(on_disk.map(|on_disk| &on_disk["seq"]), Some(seen));
                }
            }
        }
    }

    /// Each user retries the unacknowledged messages and gets an echo.
    async fn send_again(&self, traffic: &Traffic) {
        for person in &self.all {
            let mut socket = person.open().await;
            let unknown = traffic
                .sent
                .iter()
                .filter(|sent| sent.sender == person.name && sent.echo.is_none());
            for sent in unknown {
                socket.send(sent).await;
                let echo = socket.echo_of(&sent.name).await;
                assert_eq!(echo["text"], sent.text());
            }
        }
    }

    /// Checks that exactly the sent messages are stored, in each sender's
    /// order.
    async fn check_all(&self, traffic: &Traffic) {
        for &conversation in &self.conversations {
            let found = self.by_name(conversation).await;
            let sent = traffic
                .sent
                .iter()
                .filter(|sent| sent.conversation == conversation);
            let sent: Vec<&Sent> = sent.collect();
            assert_eq!(found.len(), sent.len());
            let mut last: HashMap<&str, i64> = HashMap::new();
            for sent in sent {
                let seq = found[&sent.name]["seq"].as_i64().unwrap();
                let before = last.insert(&sent.sender, seq);
                assert!(before < Some(seq), "{sent:?} is out of order");
            }
            self.check_unread(conversation, found.len(), &last).await;
        }
    }

    /// Checks that each unread count is the number of messages after the user's
    /// own last one.
    async fn check_unread(&self, conversation: i64, all: usize, last: &HashMap<&str, i64>) {
        let people = self.all.iter();
        for person in people.filter(|it| it.conversations.contains(&conversation)) {
            let own = last.get(person.name.as_str()).copied().unwrap_or(0);
            let seen = person.conversation(conversation).await;
            let unread = i64::try_from(all).unwrap() - own;
            assert_eq!(seen["unread_count"], unread, "for {}", person.name);
        }
    }
}
