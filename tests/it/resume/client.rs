//! A model client that follows the rules of `docs/protocol.md` and panics if
//! the server breaks them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{TestSocket, TestUser, within};

/// A client's copy of a conversation.
#[derive(Default)]
pub(crate) struct Copy {
    pub(crate) messages: BTreeMap<i64, Value>,
    /// All changes up to this version are in the copy.
    pub(crate) cursor: i64,
    /// The newest version received; more frames of the same version may follow.
    newest: i64,
    /// The `seq` of the newest message, received or in a `conversation` frame.
    last: i64,
    /// The last `seq` when the conversation was first shown. Messages up to it
    /// arrive only when they change.
    shown: i64,
    /// Whether live frames follow without a gap, since `resumed`.
    is_live: bool,
}

/// A client's conversations and the state of its resume.
#[derive(Default)]
pub(crate) struct Client {
    pub(crate) copies: BTreeMap<i64, Copy>,
    /// Conversation, `seq` and version of each message since the resume began.
    replayed: BTreeSet<(i64, i64, i64)>,
    /// Whether the resume was sent; frames from before it are ignored.
    is_asked: bool,
}

impl Client {
    /// Returns a client with empty copies of these conversations.
    pub(crate) fn of(ids: &[i64]) -> Self {
        let copies = ids.iter().map(|id| (*id, Copy::default())).collect();
        Self {
            copies,
            ..Self::default()
        }
    }

    /// Handles a lost connection: no copy is live.
    pub(crate) fn cut_off(&mut self) {
        self.replayed.clear();
        self.is_asked = false;
        for copy in self.copies.values_mut() {
            copy.is_live = false;
            copy.newest = copy.cursor;
        }
    }

    /// Resumes all conversations, after skipping frames sent before the
    /// request.
    pub(crate) async fn ask(&mut self, socket: &mut TestSocket) {
        let cursors = self.copies.iter();
        let cursors: BTreeMap<String, i64> = cursors
            .map(|(id, copy)| (id.to_string(), copy.cursor))
            .collect();
        self.begin(socket, json!({ "type": "resume", "cursors": cursors }))
            .await;
    }

    /// Resumes the one conversation that the socket is bound to.
    pub(crate) async fn ask_bound(&mut self, socket: &mut TestSocket, id: i64) {
        let after = self.copies[&id].cursor;
        self.begin(socket, json!({ "type": "resume", "after": after }))
            .await;
    }

    async fn begin(&mut self, socket: &mut TestSocket, resume: Value) {
        // The ping is in the same packet, so that the pong precedes the replay.
        socket
            .send_together([resume, json!({ "type": "ping" })])
            .await;
        loop {
            let frame = socket.next().await;
            if frame["type"] == "pong" {
                break;
            }
            // This frame was sent before the resume, and the replay has its
            // change again.
            assert_ne!(frame["type"], "error", "{frame}");
        }
        self.is_asked = true;
    }

    /// Processes frames up to the first of type `kind`, and returns that frame.
    pub(crate) async fn apply_until(&mut self, socket: &mut TestSocket, kind: &str) -> Value {
        let applying = async {
            loop {
                let frame = socket.next().await;
                self.apply_frame(&frame);
                if frame["type"] == kind {
                    return frame;
                }
            }
        };
        // The deadline is needed: other senders' messages may never end.
        within(kind, applying).await
    }

    pub(crate) fn apply_frame(&mut self, frame: &Value) {
        let number = |value: &Value| value.as_i64().unwrap();
        match frame["type"].as_str().unwrap() {
            "message" | "message_updated" => {
                let message = &frame["message"];
                let id = number(&frame["conversation_id"]);
                let (seq, version) = (number(&message["seq"]), number(&message["version"]));
                assert!(self.is_asked);
                let is_first = self.replayed.insert((id, seq, version));
                assert!(is_first, "received twice: {frame}");
                let copy = self
                    .copies
                    .get_mut(&id)
                    .expect("a `conversation` frame comes first");
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
                // Until `synced`, the conversation may still be replayed.
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

    /// Checks that the copy equals the whole visible history.
    pub(crate) async fn check(&self, person: &TestUser, id: i64) {
        assert_eq!(self.copies[&id].messages.keys().next(), Some(&1));
        self.check_end(person, id).await;
    }

    /// Checks a copy that began with a `conversation` frame: all messages after
    /// that frame, and earlier ones that the client received.
    pub(crate) async fn check_end(&self, person: &TestUser, id: i64) {
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
                // A higher version means that the previous one is complete.
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

/// Removes the delivery status, which changes by marker frames without a new
/// version of the message.
fn without_status(mut message: Value) -> Value {
    for field in ["status", "delivered_at", "is_read", "read_at"] {
        message.as_object_mut().unwrap().remove(field);
    }
    message
}

/// Returns every message that `person` can see, oldest first.
pub(crate) async fn whole_history(person: &TestUser, id: i64) -> Vec<Value> {
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

/// Sends a `resume`. Returns the frames before the one that ends the replay,
/// and that last frame.
pub(crate) async fn resume(socket: &mut TestSocket, ask: Value) -> (Vec<Value>, Value) {
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

/// Returns the `seq` of each frame's message.
pub(crate) fn seqs(frames: &[Value]) -> Vec<i64> {
    let seqs = frames.iter().map(|frame| frame["message"]["seq"].as_i64());
    seqs.map(|seq| seq.expect("a message")).collect()
}

/// Sends `count` messages as fast as possible and returns the last version.
pub(crate) async fn send_many(person: &TestUser, id: i64, count: usize, text: &str) -> i64 {
    let mut socket = person.chat_socket(id).await;
    let mut version = 0;
    // Only a few messages are in flight: the sender must read their echoes in
    // time.
    let mut left = count;
    while left > 0 {
        let some = left.min(10);
        for _ in 0..some {
            socket.send_text(text).await;
        }
        for _ in 0..some {
            let message = socket.expect_message().await;
            version = message["version"].as_i64().unwrap();
        }
        left -= some;
    }
    version
}

/// Returns a conversation without presence, which may change at any time.
pub(crate) fn without_presence(mut view: Value) -> Value {
    for one in view["participants"].as_array_mut().unwrap() {
        let one = one.as_object_mut().unwrap();
        one.retain(|field, _| field != "is_online" && field != "last_seen");
    }
    view
}
