//! `kill -9` under load: what was acknowledged is there, once and in its
//! place, and what wasn't can be sent again.
//!
//! `TIDINGS_CRASH_ROUNDS` says how often (3), `TIDINGS_CRASH_SEED` repeats a
//! run's choices, though not the machine's.

mod alive;
mod client;
mod server;
mod stream;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use entity::Millis;
use serde_json::Value;

use crate::support::{TestApp, until};
use client::Client;
use server::Server;
use stream::{Sent, Traffic};

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test goes on is no setting of the server's"
)]
fn knob(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap())
}

/// Everybody's choices follow from one number.
struct Chance(u64);

impl Chance {
    /// From `1` to `most`.
    fn up_to(&mut self, most: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        1 + (mixed ^ (mixed >> 31)) % most
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_kill() {
    let rounds = knob("TIDINGS_CRASH_ROUNDS").unwrap_or(3);
    let seed = knob("TIDINGS_CRASH_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("TIDINGS_CRASH_SEED={seed}");
    let mut chance = Chance(seed);
    // Only for its database: the server to be killed is a process.
    let mut app = TestApp::spawn().await;
    app.stop().await;
    let database = app.database().text();
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

/// Three people, each of whom talks with the two others.
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

    /// Waits until the database says that all are online; or looks that it
    /// says, from the start, that none is, and when each was last seen.
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
                assert!(is_so(person).await, "a crash leaves nobody online");
            }
        }
    }

    /// Looks that each was last seen within the minute before the kill.
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

    /// A conversation's messages, whose `seq` is dense, by `client_id`, each
    /// of which is there once.
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

    /// What was acknowledged is there, as it was acknowledged.
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
                // Also the others saw only what lasts.
                if let Some(seen) = traffic.seen.get(&sent.name) {
                    assert_eq!(on_disk.map(|on_disk| &on_disk["seq"]), Some(seen));
                }
            }
        }
    }

    /// Each sends again what they don't know of, and is told what became of
    /// it.
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

    /// Everything is there once, and nothing else; a sender's messages stand
    /// in the order in which they were sent first.
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
                assert!(before < Some(seq), "{sent:?} has lost its place");
            }
            self.check_unread(conversation, found.len(), &last).await;
        }
    }

    /// What waits for each is what came after their own last message.
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
