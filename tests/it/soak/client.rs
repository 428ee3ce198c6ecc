//! One client: it does things at random, loses its connection at random, and
//! retries what it doesn't know to be done.

mod deeds;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use super::view::{View, number};
use crate::support::{Person, Socket, TokenBy};
use deeds::Deed;

/// How long it listens before it compares.
const CALM: Duration = Duration::from_millis(500);
/// How long that may take: long enough for a busy machine.
const AGREED: Duration = Duration::from_secs(90);

pub(super) struct Client {
    person: Person,
    name: String,
    view: View,
    dice: Dice,
    sent: u64,
    /// What was sent and not yet echoed, by its `client_id`.
    outbox: BTreeMap<String, Value>,
    acknowledged: Vec<String>,
    /// What it was told will never be.
    refused: HashSet<String>,
    /// What it edited, withdrew or reacted to: a change that was none is
    /// answered to it alone.
    touched: HashSet<i64>,
    found: usize,
    /// Whom it puts out of groups and lets in again, if it keeps any.
    guests: Vec<String>,
    /// Whether it is one of those.
    is_guest: bool,
    pub(super) deeds: Deeds,
}

/// What happened, so that a run that did nothing doesn't count.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    sends: u64,
    changes: u64,
    marks: u64,
    people: u64,
    drops: u64,
    let_go: u64,
    resets: u64,
}

impl Deeds {
    pub(super) fn add(&mut self, other: &Self) {
        self.sends += other.sends;
        self.changes += other.changes;
        self.marks += other.marks;
        self.people += other.people;
        self.drops += other.drops;
        self.let_go += other.let_go;
        self.resets += other.resets;
    }

    pub(super) fn has_everything(&self) -> bool {
        let others = self.marks > 50 && self.people > 3 && self.drops > 20;
        self.sends > 100 && self.changes > 20 && others
    }
}

/// Numbers that repeat with their seed (SplitMix64).
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
    /// The first of all keeps the groups.
    pub(super) async fn new(person: Person, number: u64, guests: &[&str]) -> Self {
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

    /// Reads a conversation whole, over REST.
    async fn load(&mut self, conversation: &Value) {
        let id = number(conversation, "id");
        let history = whole_history(&self.person, id).await;
        // What was told while this was in the way is found here.
        for message in &history {
            self.is_echo(message);
        }
        self.view.loaded(conversation, history);
    }

    /// Lives in one connection after the other, and agrees in the last.
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

    /// Stays until what it was told comes to how things are: the others come to
    /// rest, too.
    async fn agree(&mut self, mut socket: Socket) {
        let deadline = Instant::now() + AGREED;
        for turn in 1.. {
            // What was refused for now goes out with a new connection.
            let is_due = turn % 8 == 0 && !self.outbox.is_empty();
            if is_due || !self.listen(&mut socket, CALM).await {
                socket = self.connect().await;
            }
            let wrong = match self.outbox.is_empty() {
                true => self.unlike(&self.view.open()).await,
                false => Some(format!("{:?}", self.outbox)),
            };
            let Some(wrong) = wrong else { return };
            if Instant::now() > deadline {
                panic!("{}: {wrong}\nafter {:#?}", self.name, self.view.trail());
            }
        }
    }

    /// In what its view of these isn't how things are. Of one that it is out of
    /// it is told with the next resume.
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

    async fn connect(&mut self) -> Socket {
        self.view.disconnected();
        let mut socket = loop {
            let mut socket = Socket::open(&self.person, "/ws/", TokenBy::Bearer).await;
            match socket.read().await {
                Ok(hello) => {
                    assert_eq!(hello["type"], "hello");
                    break socket;
                }
                // So much is going on that it was too slow before it began.
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

    /// Does one thing, and hears what there is; false where it was let go.
    async fn live(&mut self, socket: &mut Socket) -> bool {
        match self.deed() {
            Some(Deed::Say(frame)) => {
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
        // Now and then it doesn't listen for a while.
        match self.dice.roll(20) {
            0 => true,
            _ => {
                let patience = 20 + self.dice.roll(280);
                self.listen(socket, Duration::from_millis(patience)).await
            }
        }
    }

    /// Hears what there is for so long; false where it was let go.
    async fn listen(&mut self, socket: &mut Socket, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while let Ok(heard) = timeout_at(until, socket.read()).await {
            match heard {
                Ok(frame) => self.hear(frame).await,
                Err(code) => {
                    assert_eq!(code, 1013, "let go for being slow, or not at all");
                    self.deeds.let_go += 1;
                    return false;
                }
            }
        }
        true
    }

    async fn hear(&mut self, frame: Value) {
        self.view.heard(&frame);
        let me = self.person.username.clone();
        let id = frame["conversation_id"].as_i64().unwrap_or_default();
        match frame["type"].as_str().unwrap() {
            "message" => {
                self.view
                    .stands(id, |it| it.message(&frame["message"], &me));
                match self.is_echo(&frame["message"]) {
                    true => self.view.passes(&frame["message"]),
                    false => self.view.message(&frame["message"]),
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

    /// What was changed may have been withdrawn meanwhile, and one may be out.
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

    /// Notes that it is known to be done; true where it is known from before,
    /// since a retry is answered to this client alone, whatever it was told.
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

    /// Has all that it sent acknowledged.
    pub(super) async fn settle(&mut self) {
        drop(self.synced().await);
    }

    /// A connection in which all is replayed and nothing of its own is open.
    async fn synced(&mut self) -> Socket {
        let mut socket = self.connect().await;
        let mut is_synced = false;
        while !is_synced || !self.outbox.is_empty() {
            let heard = timeout(Duration::from_secs(20), socket.read()).await;
            let Ok(heard) = heard else {
                panic!(
                    "{}: {is_synced} {:#?} {:#?}",
                    self.name,
                    self.outbox,
                    self.view.trail()
                );
            };
            let frame = heard.unwrap();
            is_synced |= frame["type"] == "synced";
            self.hear(frame).await;
        }
        socket
    }

    /// After one last look it has all there is, and all that it sent is there
    /// once.
    pub(super) async fn compare(mut self) {
        drop(self.synced().await);
        let wrong = self.unlike(&self.view.ids()).await;
        assert_eq!(wrong, None, "{} after {:#?}", self.name, self.view.trail());
        for id in self.view.ids() {
            let history = whole_history(&self.person, id).await;
            let names = history.iter().filter_map(|it| it["client_id"].as_str());
            let names: Vec<&str> = names.collect();
            let refused = names.iter().find(|name| self.refused.contains(**name));
            assert_eq!(refused, None, "it was refused");
            let mut mine: Vec<&str> = names;
            mine.retain(|name| self.acknowledged.iter().any(|it| it == name));
            self.found += mine.len();
            mine.sort_unstable();
            assert!(mine.is_sorted_by(|one, two| one < two), "each once");
        }
        // Who was put out and let in again no longer sees what was before.
        match self.is_guest {
            true => assert!(self.found <= self.acknowledged.len()),
            false => assert_eq!(self.found, self.acknowledged.len(), "all that was echoed"),
        }
    }
}

async fn whole_history(person: &Person, id: i64) -> Vec<Value> {
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
