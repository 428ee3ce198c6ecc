//! A client that keeps what it is told, by the rules that the protocol's page
//! gives it, and fails where they don't hold.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{Person, Socket, within};

/// A conversation, as a client has it.
#[derive(Default)]
pub(crate) struct Copy {
    pub(crate) messages: BTreeMap<i64, Value>,
    /// Everything up to this version is in it.
    pub(crate) cursor: i64,
    /// The newest version heard: there may be more of it to come.
    newest: i64,
    /// The `seq` of the newest message that it was told or shown.
    last: i64,
    /// The `seq` of the last message that was there when it was shown: of those
    /// up to it, it hears only where they change.
    shown: i64,
    /// Whether it hears everything since `resumed`.
    is_live: bool,
}

/// All that a client has.
#[derive(Default)]
pub(crate) struct Client {
    pub(crate) copies: BTreeMap<i64, Copy>,
    /// What was replayed since it asked.
    replayed: BTreeSet<(i64, i64, i64)>,
    /// Whether what comes now was told after it asked.
    is_asked: bool,
}

impl Client {
    /// It has these conversations, with nothing in them.
    pub(crate) fn of(ids: &[i64]) -> Self {
        let copies = ids.iter().map(|id| (*id, Copy::default())).collect();
        Self {
            copies,
            ..Self::default()
        }
    }

    /// Forgets a connection: nothing is live any more.
    pub(crate) fn cut_off(&mut self) {
        self.replayed.clear();
        self.is_asked = false;
        for copy in self.copies.values_mut() {
            copy.is_live = false;
            copy.newest = copy.cursor;
        }
    }

    /// Asks for everything, and hears what was told before that.
    pub(crate) async fn ask(&mut self, socket: &mut Socket) {
        let cursors = self.copies.iter();
        let cursors: BTreeMap<String, i64> = cursors
            .map(|(id, copy)| (id.to_string(), copy.cursor))
            .collect();
        self.begin(socket, json!({ "type": "resume", "cursors": cursors }))
            .await;
    }

    /// The same, for the one conversation that a socket is bound to.
    pub(crate) async fn ask_bound(&mut self, socket: &mut Socket, id: i64) {
        let after = self.copies[&id].cursor;
        self.begin(socket, json!({ "type": "resume", "after": after }))
            .await;
    }

    async fn begin(&mut self, socket: &mut Socket, resume: Value) {
        // In one packet: the answer to the second comes before the replay.
        socket
            .send_together([resume, json!({ "type": "ping" })])
            .await;
        loop {
            let frame = socket.next().await;
            if frame["type"] == "pong" {
                break;
            }
            // Told before it asked: it will be replayed.
            assert_ne!(frame["type"], "error", "{frame}");
        }
        self.is_asked = true;
    }

    /// Hears up to a frame of this type.
    pub(crate) async fn hear_until(&mut self, socket: &mut Socket, kind: &str) -> Value {
        let hearing = async {
            loop {
                let frame = socket.next().await;
                self.hear(&frame);
                if frame["type"] == kind {
                    return frame;
                }
            }
        };
        // News may go on for ever.
        within(kind, hearing).await
    }

    pub(crate) fn hear(&mut self, frame: &Value) {
        let number = |value: &Value| value.as_i64().unwrap();
        match frame["type"].as_str().unwrap() {
            "message" | "message_updated" => {
                let message = &frame["message"];
                let id = number(&frame["conversation_id"]);
                let (seq, version) = (number(&message["seq"]), number(&message["version"]));
                assert!(self.is_asked);
                let is_first = self.replayed.insert((id, seq, version));
                assert!(is_first, "told twice: {frame}");
                let copy = self.copies.get_mut(&id).expect("known before its news");
                if copy.is_live && frame["type"] == "message" {
                    assert_eq!(copy.last, seq - 1, "a gap before {frame}");
                }
                copy.take(seq, version, message);
            }
            "resumed" => {
                let version = number(&frame["version"]);
                assert_eq!(frame["conversation"]["version"], version);
                let copy = self.copies.get_mut(&number(&frame["conversation_id"]));
                copy.unwrap().begin_live(version);
            }
            "conversation" => {
                let view = &frame["conversation"];
                let last = number(&view["last_seq"]);
                let copy = self.copies.entry(number(&view["id"]));
                let copy = copy.or_insert_with(|| Copy {
                    shown: last,
                    ..Copy::default()
                });
                // Until `synced`, it may still be replayed.
                if !copy.is_live {
                    copy.cursor = number(&view["version"]);
                    copy.newest = copy.cursor;
                    copy.last = last;
                }
            }
            "synced" => {
                for copy in self.copies.values_mut() {
                    copy.is_live = true;
                    copy.cursor = copy.cursor.max(copy.newest);
                }
            }
            "reset" => panic!("{frame}"),
            _ => {}
        }
    }

    /// That it has, of a conversation, everything there is to see, as it is.
    pub(crate) async fn check(&self, person: &Person, id: i64) {
        assert_eq!(self.copies[&id].messages.keys().next(), Some(&1));
        self.check_end(person, id).await;
    }

    /// The same for one that was shown to it, from what came after that on; and
    /// that what it heard of before is as it heard.
    pub(crate) async fn check_end(&self, person: &Person, id: i64) {
        let Copy {
            messages, shown, ..
        } = &self.copies[&id];
        assert!(messages.keys().any(|seq| seq > shown), "some message");
        let there = whole_history(person, id).await.into_iter();
        let there: Vec<Value> = there
            .filter(|message| {
                let seq = message["seq"].as_i64().unwrap();
                seq > *shown || messages.contains_key(&seq)
            })
            .map(without_status)
            .collect();
        let mine: Vec<Value> = messages.values().cloned().map(without_status).collect();
        assert_eq!(mine.len(), there.len());
        for (mine, there) in mine.iter().zip(&there) {
            assert_eq!(mine, there);
        }
    }
}

impl Copy {
    fn take(&mut self, seq: i64, version: i64, message: &Value) {
        if self.is_live {
            assert!(version >= self.newest, "{version} after {}", self.newest);
            assert!(version > self.cursor, "{version} was in `resumed`");
            if version > self.newest {
                // What follows a version is the end of it.
                self.cursor = self.newest;
            }
        }
        self.newest = self.newest.max(version);
        self.last = self.last.max(seq);
        let known = self.messages.get(&seq);
        let known = known.and_then(|known| known["version"].as_i64());
        if known.is_none_or(|known| known <= version) {
            self.messages.insert(seq, message.clone());
        }
    }

    fn begin_live(&mut self, version: i64) {
        self.is_live = true;
        self.cursor = version;
        self.newest = version;
    }
}

/// How far others are with a message is told by marks, not by the message.
fn without_status(mut message: Value) -> Value {
    for field in ["status", "delivered_at", "is_read", "read_at"] {
        message.as_object_mut().unwrap().remove(field);
    }
    message
}

/// Every message that somebody can see, oldest first.
pub(crate) async fn whole_history(person: &Person, id: i64) -> Vec<Value> {
    let mut path = format!("/api/conversations/{id}/messages/?after=0&limit=100");
    let mut all = Vec::new();
    loop {
        let page = person.get(&path).await;
        let newer = page.link("next");
        all.extend(page.expect(200).as_array().unwrap().iter().cloned());
        match newer {
            Some(next) => path = next,
            None => return all,
        }
    }
}

/// Asks for what came after a version; all frames up to the one that ends it,
/// and that one.
pub(crate) async fn resume(socket: &mut Socket, ask: Value) -> (Vec<Value>, Value) {
    let mut ask = ask;
    ask["type"] = json!("resume");
    socket.send(ask).await;
    let mut frames = Vec::new();
    loop {
        let frame = socket.next().await;
        if matches!(
            frame["type"].as_str(),
            Some("resumed" | "reset" | "synced" | "error")
        ) {
            return (frames, frame);
        }
        frames.push(frame);
    }
}

/// The `seq` of each of these frames.
pub(crate) fn seqs(frames: &[Value]) -> Vec<i64> {
    let seqs = frames.iter().map(|frame| frame["message"]["seq"].as_i64());
    seqs.map(|seq| seq.expect("a message")).collect()
}

/// Many short messages, as fast as it goes: the version after them.
pub(crate) async fn say_many(person: &Person, id: i64, count: usize, text: &str) -> i64 {
    let mut socket = person.chat_socket(id).await;
    let mut version = 0;
    // Few at a time: who speaks hears it, and has to keep up like others.
    let mut left = count;
    while left > 0 {
        let some = left.min(10);
        for _ in 0..some {
            socket.say(text).await;
        }
        for _ in 0..some {
            let message = socket.expect_message().await;
            version = message["version"].as_i64().unwrap();
        }
        left -= some;
    }
    version
}

/// A conversation but for who is here, which changes by itself.
pub(crate) fn without_presence(mut view: Value) -> Value {
    for one in view["participants"].as_array_mut().unwrap() {
        let one = one.as_object_mut().unwrap();
        one.retain(|field, _| field != "is_online" && field != "last_seen");
    }
    view
}
