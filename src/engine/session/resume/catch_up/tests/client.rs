//! A model of the client, built from the frames it gets.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use entity::ConversationId;
use serde_json::Value;

use crate::protocol::Conversation;
use crate::protocol::command::ResumeCursors;

/// The client's copy of a conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct CatchUpCopy {
    /// The version of each message.
    pub(super) messages: BTreeMap<i64, i64>,
    /// The client has all changes after this version, at which the copy began.
    pub(super) base: i64,
    /// The user is no longer a member.
    pub(super) has_left: bool,
    cursor: i64,
    newest: i64,
    is_live: bool,
    /// The conversation was sent since the client resumed, and may still be
    /// replayed.
    is_shown: bool,
}

#[derive(Debug, Default)]
pub(super) struct CatchUpClient {
    pub(super) copies: BTreeMap<ConversationId, CatchUpCopy>,
    received: BTreeSet<(ConversationId, i64, i64)>,
    pub(super) is_asked: bool,
}

impl CatchUpClient {
    pub(super) fn cursors(&self) -> ResumeCursors {
        let copies = self.copies.iter();
        copies.map(|(id, copy)| (*id, copy.cursor)).collect()
    }

    /// Begins a resume: frames from now on belong to it.
    pub(super) fn begin_resume(&mut self) {
        self.cut_off();
        self.is_asked = true;
    }

    pub(super) fn cut_off(&mut self) {
        self.is_asked = false;
        self.received.clear();
        for copy in self.copies.values_mut() {
            copy.is_live = false;
            copy.is_shown = false;
            copy.newest = copy.cursor;
        }
    }

    /// Takes a live frame, which must be of a conversation that is caught up.
    pub(super) fn receive_live(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap();
        if !self.is_asked {
            return;
        }
        let id = &frame["conversation_id"];
        let id = id.as_i64().or(frame["conversation"]["id"].as_i64());
        let id = ConversationId(id.unwrap());
        let copy = self.copies.get_mut(&id);
        // The removal may be of a conversation that the client doesn't have
        // yet.
        if frame["type"] == "conversation_removed" {
            return copy.into_iter().for_each(|copy| copy.has_left = true);
        }
        let copy = copy.unwrap_or_else(|| panic!("unknown: {frame}"));
        if frame["type"] == "conversation" {
            return copy.rejoin(frame["conversation"]["version"].as_i64().unwrap());
        }
        assert!(copy.is_live || copy.is_shown, "before its replay: {frame}");
        let version = [&frame["message"]["version"], &frame["version"]];
        let version = version.iter().find_map(|it| it.as_i64()).unwrap();
        assert!(version > copy.newest, "not after `resumed`: {frame}");
        copy.newest = version;
        if copy.is_live {
            copy.cursor = version.max(copy.cursor);
        }
        if frame["message"].is_object() {
            self.store_message(id, &frame["message"]);
        }
    }

    /// Takes a frame sent to this client alone.
    pub(super) fn receive_replay(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap();
        let number = |value: &Value| value.as_i64().unwrap();
        match frame["type"].as_str().unwrap() {
            "message" | "message_updated" => {
                let id = ConversationId(number(&frame["conversation_id"]));
                assert!(!self.copies[&id].is_live, "a replay after its end");
                self.store_message(id, &frame["message"]);
            }
            "resumed" => {
                let id = ConversationId(number(&frame["conversation_id"]));
                let copy = self.copies.get_mut(&id).unwrap();
                copy.begin_live(number(&frame["version"]));
                copy.has_left = frame["conversation"]["left"] == true;
            }
            // The client reads the conversation over REST.
            "reset" => {}
            "conversation" => {
                let view = &frame["conversation"];
                let id = ConversationId(number(&view["id"]));
                let version = number(&view["version"]);
                let copy = CatchUpCopy {
                    base: version,
                    cursor: version,
                    newest: version,
                    is_shown: true,
                    has_left: view["left"] == true,
                    ..CatchUpCopy::default()
                };
                let known = self.copies.insert(id, copy);
                assert!(known.is_none(), "sent again: {frame}");
            }
            "synced" => {
                for copy in self.copies.values_mut() {
                    copy.is_live = true;
                    copy.cursor = copy.newest.max(copy.cursor);
                }
            }
            _ => panic!("{frame}"),
        }
    }

    fn store_message(&mut self, id: ConversationId, message: &Value) {
        let number = |value: &Value| value.as_i64().unwrap();
        let (seq, version) = (number(&message["seq"]), number(&message["version"]));
        let is_first = self.received.insert((id, seq, version));
        assert!(is_first, "received twice: {message}");
        let copy = self.copies.get_mut(&id).unwrap();
        let known = copy.messages.entry(seq).or_default();
        *known = version.max(*known);
    }
}

impl CatchUpClient {
    /// Reads a conversation that the client doesn't have; later frames may
    /// repeat its messages.
    pub(super) fn read_first(&mut self, view: &Conversation, versions: BTreeMap<i64, i64>) {
        if let Entry::Vacant(place) = self.copies.entry(view.id) {
            place.insert(CatchUpCopy::default());
            self.read_again(view, versions);
        }
    }

    /// Reads all visible messages; later frames may repeat them.
    pub(super) fn read_again(&mut self, view: &Conversation, versions: BTreeMap<i64, i64>) {
        let copy = self.copies.get_mut(&view.id).unwrap();
        copy.messages = versions;
        copy.has_left = view.left;
        copy.cursor = view.version;
        copy.newest = 0;
        copy.is_live = true;
    }
}

impl CatchUpCopy {
    /// Sets a version that never existed.
    pub(super) fn set_unknown_version(&mut self) {
        (self.cursor, self.newest) = (1_000_000, 1_000_000);
    }

    /// Begins the copy again: messages from before the rejoining are no longer
    /// visible.
    fn rejoin(&mut self, version: i64) {
        *self = Self {
            base: version,
            cursor: version,
            newest: version,
            is_live: self.is_live,
            is_shown: true,
            ..Self::default()
        };
    }

    fn begin_live(&mut self, version: i64) {
        assert!(!self.is_live, "resumed twice");
        assert!(version >= self.cursor);
        self.is_live = true;
        self.cursor = version;
        self.newest = version;
    }
}
