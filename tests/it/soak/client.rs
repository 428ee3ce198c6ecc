//! A client that acts and disconnects at random, and retries unacknowledged
//! sends.

mod actions;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use super::view::{View, number};
use crate::support::{TestSocket, TestUser, TokenTransport};
use actions::RandomAction;

/// How long a client reads frames before it compares its view.
const CALM: Duration = Duration::from_millis(500);
/// Deadline for the views to agree, long enough for a busy machine.
const AGREED: Duration = Duration::from_secs(90);

pub(super) struct Client {
    person: TestUser,
    name: String,
    view: View,
    dice: Dice,
    sent: u64,
    /// Messages sent and not yet echoed, by `client_id`.
    outbox: BTreeMap<String, Value>,
    acknowledged: Vec<String>,
    /// The `client_id`s of sends that were refused for good.
    refused: HashSet<String>,
    /// Messages that this client edited, deleted or reacted to. The server
    /// answers a change without effect to this client alone.
    touched: HashSet<i64>,
    found: usize,
    /// Users that this client removes and invites again; empty for most
    /// clients.
    guests: Vec<String>,
    /// Whether other clients remove and invite this client's user.
    is_guest: bool,
    pub(super) deeds: Deeds,
}

/// Counts of what happened, so that a run without activity fails.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    sends: u64,
    changes: u64,
    marks: u64,
    people: u64,
    drops: u64,
    evictions: u64,
    resets: u64,
}

impl Deeds {
    pub(super) fn add(&mut self, other: &Self) {
        self.sends += other.sends;
        self.changes += other.changes;
        self.marks += other.marks;
        self.people += other.people;
        self.drops += other.drops;
        self.evictions += other.evictions;
        self.resets += other.resets;
    }

    pub(super) fn has_everything(&self) -> bool {
        let others = self.marks > 50 && self.people > 3 && self.drops > 20;
        self.sends > 100 && self.changes > 20 && others
    }
}

/// A seeded random number generator (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (it ^ (it >> 31)) % sides
    }
}

impl Client {
    /// Creates a client. Client 0 removes and invites the guests.
    pub(super) async fn new(person: TestUser, number: u64, guests: &[&str]) -> Self {
        let is_guest = guests.contains(&person.username.as_str());
        let kept = guests.iter().filter(|_| number == 0);
        let mut client = Self {
            name: format!("{}-{number}", person.username),
            person,
            view: View::default(),
            dice: Dice(number),
            sent: 0,
            outbox: BTreeMap::new(),
            acknowledged: Vec::new(),
            refused: HashSet::new(),
            touched: HashSet::new(),
            found: 0,
            guests: kept.map(|guest| (*guest).to_owned()).collect(),
            is_guest,
            deeds: Deeds::default(),
        };
        let list = client.person.get("/api/conversations/").await.expect(200);
        for conversation in list.as_array().unwrap() {
            client.load(conversation).await;
        }
        client
    }

    /// Reads a whole conversation over REST.
    async fn load(&mut self, conversation: &Value) {
        let id = number(conversation, "id");
        let history = whole_history(&self.person, id).await;
        // The history also acknowledges sends whose echo was missed.
        for message in &history {
            self.is_echo(message);
        }
        self.view.loaded(conversation, history);
    }

    /// Acts over one connection after another, and compares the view with the
    /// server on the last one.
    pub(super) async fn live_until(mut self, end: Instant) -> Self {
        loop {
            let mut socket = self.connect().await;
            let life = 5 + self.dice.roll(60);
            for _ in 0..life {
                if Instant::now() >= end {
                    self.agree(socket).await;
                    return self;
                }
                if !self.live(&mut socket).await {
                    break;
                }
            }
            self.deeds.drops += 1;
        }
    }

    /// Reads frames until the view equals the server's state. Other clients may
    /// have to finish first.
    async fn agree(&mut self, mut socket: TestSocket) {
        let deadline = Instant::now() + AGREED;
        for turn in 1.. {
            // A new connection retries sends that were refused as `busy`.
            let is_due = turn % 8 == 0 && !self.outbox.is_empty();
            if is_due || !self.listen(&mut socket, CALM).await {
                socket = self.connect().await;
            }
            let wrong = if self.outbox.is_empty() {
                self.unlike(&self.view.open()).await
            } else {
                Some(format!("{:?}", self.outbox))
            };
            let Some(wrong) = wrong else { return };
            if Instant::now() > deadline {
                panic!("{}: {wrong}\nafter {:#?}", self.name, self.view.trail());
            }
        }
    }

    /// Returns the first difference between the view of these conversations and
    /// the server. Conversations that the user left are updated only by the
    /// next resume.
    async fn unlike(&self, ids: &[i64]) -> Option<String> {
        for id in ids.iter().copied() {
            let now = self.person.conversation(id).await;
            let history = whole_history(&self.person, id).await;
            let wrong = self.view.unlike(&now, &history, &self.person.username);
            if let Some(wrong) = wrong {
                return Some(format!("in {id}: {wrong}"));
            }
        }
        let total = self.person.get("/messages/unread/").await.expect(200);
        let (total, known) = (number(&total, "unread_count"), self.view.total());
        (total != known).then(|| format!("{known} unread in all and not {total}"))
    }

    async fn connect(&mut self) -> TestSocket {
        self.view.disconnected();
        let mut socket = loop {
            let mut socket = TestSocket::open(&self.person, "/ws/", TokenTransport::Bearer).await;
            match socket.read().await {
                Ok(hello) => {
                    assert_eq!(hello["type"], "hello");
                    break socket;
                }
                // Under load, a session can be evicted before its `hello`.
                Err(code) => assert_eq!(code, 1013),
            }
        };
        let cursors = self.view.cursors();
        socket
            .send(json!({ "type": "resume", "cursors": cursors }))
            .await;
        for frame in self.outbox.values() {
            socket.send(frame.clone()).await;
        }
        socket
    }

    /// Acts once and processes frames. Returns false if the session was
    /// evicted.
    async fn live(&mut self, socket: &mut TestSocket) -> bool {
        match self.deed() {
            Some(RandomAction::Say(frame)) => {
                if ["edit", "delete", "reaction"]
                    .map(Value::from)
                    .contains(&frame["type"])
                {
                    self.touched.insert(number(&frame, "message_id"));
                }
                socket.send(frame).await;
            }
            Some(other) => self.ask(other).await,
            None => {}
        }
        // Sometimes the client doesn't read for a while.
        match self.dice.roll(20) {
            0 => true,
            _ => {
                let patience = 20 + self.dice.roll(280);
                self.listen(socket, Duration::from_millis(patience)).await
            }
        }
    }

    /// Processes frames for `patience`. Returns false if the session was
    /// evicted.
    async fn listen(&mut self, socket: &mut TestSocket, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while let Ok(received) = timeout_at(until, socket.read()).await {
            match received {
                Ok(frame) => self.apply_frame(frame).await,
                Err(code) => {
                    assert_eq!(code, 1013, "only slow sessions are evicted");
                    self.deeds.evictions += 1;
                    return false;
                }
            }
        }
        true
    }

    async fn apply_frame(&mut self, frame: Value) {
        self.view.record_frame(&frame);
        let me = self.person.username.clone();
        let id = frame["conversation_id"].as_i64().unwrap_or_default();
        match frame["type"].as_str().unwrap() {
            "message" => {
                self.view
                    .stands(id, |it| it.message(&frame["message"], &me));
                if self.is_echo(&frame["message"]) {
                    self.view.passes(&frame["message"])
                } else {
                    self.view.message(&frame["message"])
                }
            }
            "message_updated" if self.is_echo(&frame["message"]) => {
                self.view.passes(&frame["message"]);
            }
            "message_updated" if self.is_answer(&frame["message"]) => {}
            "message_updated" => self.view.updated(&frame["message"]),
            "conversation" => self.view.conversation(&frame["conversation"]),
            "conversation_removed" => self.view.removed(id),
            "resumed" => self.view.resumed(&frame),
            "reset" => {
                self.deeds.resets += 1;
                let conversation = self.person.conversation(id).await;
                self.load(&conversation).await;
            }
            "delivered" | "read_receipt" => {
                self.view.version(id, number(&frame, "version"));
                self.view.stands(id, |it| it.mark(&frame, &me));
            }
            "status" => self.view.stands(id, |it| it.status(&frame)),
            "unread" => self.view.stands(id, |it| it.unread(&frame["unread_count"])),
            "synced" => self.view.synced(),
            "error" => self.failed(&frame),
            "typing" | "user_status" | "hello" | "pong" => {}
            other => panic!("{other}: {frame}"),
        }
    }

    /// Handles an error frame, which is expected if another client has deleted
    /// the message or removed the user.
    fn failed(&mut self, frame: &Value) {
        let code = frame["code"].as_str().unwrap();
        let known = [
            "conflict",
            "busy",
            "not_found",
            "invalid",
            "not_a_participant",
        ];
        assert!(known.contains(&code), "{frame}");
        let name = frame["client_id"].as_str().unwrap_or_default();
        if code != "busy" && self.outbox.remove(name).is_some() {
            self.refused.insert(name.to_owned());
        }
    }

    /// Records the acknowledgement of an own send. Returns true if the view has
    /// the message already: the server answers a retry to this client alone.
    fn is_echo(&mut self, message: &Value) -> bool {
        let name = message["client_id"].as_str().unwrap_or_default();
        if self.outbox.remove(name).is_some() {
            self.acknowledged.push(name.to_owned());
        }
        self.acknowledged.iter().any(|it| it == name) && self.view.knows(message)
    }

    fn is_answer(&self, message: &Value) -> bool {
        self.touched.contains(&number(message, "id")) && self.view.knows(message)
    }

    /// Waits until every send is acknowledged.
    pub(super) async fn settle(&mut self) {
        drop(self.synced().await);
    }

    /// Opens a connection and waits until the replay is complete and every send
    /// is acknowledged.
    async fn synced(&mut self) -> TestSocket {
        let mut socket = self.connect().await;
        let mut is_synced = false;
        while !is_synced || !self.outbox.is_empty() {
            let received = timeout(Duration::from_secs(20), socket.read()).await;
            let Ok(received) = received else {
                panic!(
                    "{}: {is_synced} {:#?} {:#?}",
                    self.name,
                    self.outbox,
                    self.view.trail()
                );
            };
            let frame = received.unwrap();
            is_synced |= frame["type"] == "synced";
            self.apply_frame(frame).await;
        }
        socket
    }

    /// Resumes once more, then checks that the view is complete and that every
    /// own send is stored once.
    pub(super) async fn compare(mut self) {
        drop(self.synced().await);
        let wrong = self.unlike(&self.view.ids()).await;
        assert_eq!(wrong, None, "{} after {:#?}", self.name, self.view.trail());
        for id in self.view.ids() {
            let history = whole_history(&self.person, id).await;
            let names = history.iter().filter_map(|it| it["client_id"].as_str());
            let names: Vec<&str> = names.collect();
            let refused = names.iter().find(|name| self.refused.contains(**name));
            assert_eq!(refused, None, "a refused send was stored");
            let mut mine: Vec<&str> = names;
            mine.retain(|name| self.acknowledged.iter().any(|it| it == name));
            self.found += mine.len();
            mine.sort_unstable();
            assert!(
                mine.is_sorted_by(|one, two| one < two),
                "each is stored once"
            );
        }
        // A user that was removed and invited again no longer sees older
        // messages.
        if self.is_guest {
            assert!(self.found <= self.acknowledged.len())
        } else {
            assert_eq!(
                self.found,
                self.acknowledged.len(),
                "every echoed send is stored"
            )
        }
    }
}

async fn whole_history(person: &TestUser, id: i64) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| number(last, "seq"));
        let path = format!("/api/conversations/{id}/messages/?after={after}&limit=100");
        let page = person.get(&path).await.expect(200);
        let page = page.as_array().unwrap();
        all.extend(page.iter().cloned());
        if page.len() < 100 {
            return all;
        }
    }
}
