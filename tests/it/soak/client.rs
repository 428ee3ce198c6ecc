//! One client: it does things at random, loses its connection at random, and
//! retries what it doesn't know to be done.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::view::{View, number};
use crate::support::{Person, Socket, TokenBy};

pub(super) struct Client {
    person: Person,
    name: String,
    view: View,
    dice: Dice,
    sent: u64,
    /// What was sent and not yet echoed, by its `client_id`.
    outbox: BTreeMap<String, Value>,
    acknowledged: Vec<String>,
    /// What it edited, withdrew or reacted to: a change that was none is
    /// answered to it alone.
    touched: HashSet<i64>,
    found: usize,
    pub(super) deeds: Deeds,
}

/// What happened, so that a run that did nothing doesn't count.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    sends: u64,
    changes: u64,
    marks: u64,
    drops: u64,
    let_go: u64,
    resets: u64,
}

impl Deeds {
    pub(super) fn add(&mut self, other: &Self) {
        self.sends += other.sends;
        self.changes += other.changes;
        self.marks += other.marks;
        self.drops += other.drops;
        self.let_go += other.let_go;
        self.resets += other.resets;
    }

    pub(super) fn has_everything(&self) -> bool {
        self.sends > 100 && self.changes > 20 && self.marks > 50 && self.drops > 20
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
    pub(super) async fn new(person: Person, number: u64) -> Self {
        let mut client = Self {
            name: format!("{}-{number}", person.username),
            person,
            view: View::default(),
            dice: Dice(number),
            sent: 0,
            outbox: BTreeMap::new(),
            acknowledged: Vec::new(),
            touched: HashSet::new(),
            found: 0,
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
        self.view
            .loaded(id, number(conversation, "version"), history);
    }

    /// Lives in one connection after the other.
    pub(super) async fn live_until(mut self, end: Instant) -> Self {
        while Instant::now() < end {
            let mut socket = self.connect().await;
            let life = 5 + self.dice.roll(60);
            for _ in 0..life {
                if Instant::now() >= end || !self.live(&mut socket).await {
                    break;
                }
            }
            self.deeds.drops += 1;
        }
        self
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
        if let Some(frame) = self.deed() {
            if ["edit", "delete", "reaction"]
                .map(Value::from)
                .contains(&frame["type"])
            {
                self.touched.insert(number(&frame, "message_id"));
            }
            socket.send(frame).await;
        }
        // Now and then it doesn't listen for a while.
        let patience = match self.dice.roll(20) {
            0 => return true,
            _ => Duration::from_millis(5 + self.dice.roll(20)),
        };
        while let Ok(heard) = timeout(patience, socket.read()).await {
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

    /// Something to say.
    fn deed(&mut self) -> Option<Value> {
        let ids = self.view.ids();
        let id = ids[self.dice.roll(ids.len() as u64) as usize];
        let (choice, at) = (self.dice.roll(20), self.dice.roll(20));
        let mine = Some(self.person.username.as_str());
        let named = |message: &Value| message["id"].clone();
        match choice {
            0..=6 => Some(self.post(id)),
            7..=11 => {
                self.deeds.marks += 1;
                let message = named(self.view.last(id)?);
                let kind = ["delivered", "read_receipt"][at as usize % 2];
                Some(json!({ "type": kind, "conversation_id": id, "message_id": message }))
            }
            12 => {
                let message = named(self.view.pick(id, mine, at)?);
                self.deeds.changes += 1;
                Some(json!({
                    "type": "edit", "conversation_id": id, "message_id": message,
                    "message": format!("edited by {} {}", self.name, self.sent),
                }))
            }
            13 => {
                let message = named(self.view.pick(id, mine, at)?);
                self.deeds.changes += 1;
                Some(json!({ "type": "delete", "conversation_id": id, "message_id": message }))
            }
            14 | 15 => {
                let message = named(self.view.pick(id, None, at)?);
                self.deeds.changes += 1;
                Some(json!({
                    "type": "reaction", "conversation_id": id, "message_id": message,
                    "emoji": "👍", "on": at % 3 > 0,
                }))
            }
            16 => Some(json!({
                "type": "typing", "conversation_id": id, "is_typing": at % 2 == 0,
            })),
            _ => None,
        }
    }

    fn post(&mut self, id: i64) -> Value {
        self.deeds.sends += 1;
        self.sent += 1;
        let name = format!("{}-{}", self.name, self.sent);
        let mut frame = json!({
            "type": "message", "conversation_id": id, "client_id": name,
            "message": format!("{name} {}", "words ".repeat(self.dice.roll(40) as usize)),
        });
        let at = self.dice.roll(20);
        if at < 4
            && let Some(quoted) = self.view.pick(id, None, at)
        {
            frame["reply_to"] = quoted["id"].clone();
        }
        self.outbox.insert(name, frame.clone());
        frame
    }

    async fn hear(&mut self, frame: Value) {
        self.view.heard(&frame);
        let id = frame["conversation_id"].as_i64();
        match frame["type"].as_str().unwrap() {
            "message" | "message_updated" if self.is_echo(&frame["message"]) => {
                self.view.passes(&frame["message"]);
            }
            "message" => self.view.message(&frame["message"]),
            "message_updated" if self.is_answer(&frame["message"]) => {}
            "message_updated" => self.view.updated(&frame["message"]),
            "conversation" => {
                let conversation = &frame["conversation"];
                let (id, version) = (number(conversation, "id"), number(conversation, "version"));
                self.view.version(id, version);
            }
            "resumed" => self.view.resumed(&frame),
            "reset" => {
                self.deeds.resets += 1;
                let conversation = self.person.conversation(id.unwrap()).await;
                self.load(&conversation).await;
            }
            "delivered" | "read_receipt" => {
                self.view.version(id.unwrap(), number(&frame, "version"));
            }
            "synced" => self.view.synced(),
            // What was changed may have been withdrawn meanwhile.
            "error" => assert!(
                ["conflict", "busy", "not_found", "invalid"]
                    .contains(&frame["code"].as_str().unwrap()),
                "{frame}"
            ),
            "unread" | "typing" | "status" | "user_status" | "hello" | "pong" => {}
            other => panic!("{other}: {frame}"),
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
        for id in self.view.ids() {
            let history = whole_history(&self.person, id).await;
            self.view.assert_is(id, &history, &self.name);
            let mine = history
                .iter()
                .filter_map(|it| it["client_id"].as_str())
                .filter(|name| self.acknowledged.iter().any(|it| it == name));
            let mut mine: Vec<&str> = mine.collect();
            self.found += mine.len();
            mine.sort_unstable();
            assert!(mine.is_sorted_by(|one, two| one < two), "each once");
        }
        assert_eq!(self.found, self.acknowledged.len(), "all that was echoed");
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
