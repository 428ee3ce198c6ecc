//! What a client makes of what it is told.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use entity::ConversationId;
use serde_json::Value;

use crate::protocol::Conversation;
use crate::protocol::command::Cursors;

/// A conversation, as the client has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Copy {
    /// The version of each message.
    pub(super) messages: BTreeMap<i64, i64>,
    /// It was shown at this version, and heard what came after it.
    pub(super) base: i64,
    /// Its person is in it no more.
    pub(super) has_left: bool,
    cursor: i64,
    newest: i64,
    is_live: bool,
    /// It was shown since the client asked, and may still be replayed.
    is_shown: bool,
}

#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) copies: BTreeMap<ConversationId, Copy>,
    told: BTreeSet<(ConversationId, i64, i64)>,
    pub(super) is_asked: bool,
}

impl Client {
    pub(super) fn cursors(&self) -> Cursors {
        let copies = self.copies.iter();
        copies.map(|(id, copy)| (*id, copy.cursor)).collect()
    }

    /// It asks: what it hears from now on is the answer.
    pub(super) fn ask(&mut self) {
        self.cut_off();
        self.is_asked = true;
    }

    pub(super) fn cut_off(&mut self) {
        self.is_asked = false;
        self.told.clear();
        for copy in self.copies.values_mut() {
            copy.is_live = false;
            copy.is_shown = false;
            copy.newest = copy.cursor;
        }
    }

    /// What was told as it happened: only of what it was brought to.
    pub(super) fn hear_live(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap();
        if !self.is_asked {
            return;
        }
        let id = &frame["conversation_id"];
        let id = id.as_i64().or(frame["conversation"]["id"].as_i64());
        let id = ConversationId(id.unwrap());
        let copy = self.copies.get_mut(&id);
        // Of what it doesn't know yet it may hear that it is over.
        if frame["type"] == "conversation_removed" {
            return copy.into_iter().for_each(|copy| copy.has_left = true);
        }
        let copy = copy.unwrap_or_else(|| panic!("unknown: {frame}"));
        if frame["type"] == "conversation" {
            return copy.come_again(frame["conversation"]["version"].as_i64().unwrap());
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
            self.take(id, &frame["message"]);
        }
    }

    /// What was said for it alone.
    pub(super) fn hear(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap();
        let number = |value: &Value| value.as_i64().unwrap();
        match frame["type"].as_str().unwrap() {
            "message" | "message_updated" => {
                let id = ConversationId(number(&frame["conversation_id"]));
                assert!(!self.copies[&id].is_live, "a replay after its end");
                self.take(id, &frame["message"]);
            }
            "resumed" => {
                let id = ConversationId(number(&frame["conversation_id"]));
                let copy = self.copies.get_mut(&id).unwrap();
                copy.begin_live(number(&frame["version"]));
                copy.has_left = frame["conversation"]["left"] == true;
            }
            // What there is, it reads elsewhere.
            "reset" => {}
            "conversation" => {
                let view = &frame["conversation"];
                let id = ConversationId(number(&view["id"]));
                let version = number(&view["version"]);
                let copy = Copy {
                    base: version,
                    cursor: version,
                    newest: version,
                    is_shown: true,
                    has_left: view["left"] == true,
                    ..Copy::default()
                };
                let known = self.copies.insert(id, copy);
                assert!(known.is_none(), "shown again: {frame}");
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

    fn take(&mut self, id: ConversationId, message: &Value) {
        let number = |value: &Value| value.as_i64().unwrap();
        let (seq, version) = (number(&message["seq"]), number(&message["version"]));
        let is_first = self.told.insert((id, seq, version));
        assert!(is_first, "told twice: {message}");
        let copy = self.copies.get_mut(&id).unwrap();
        let known = copy.messages.entry(seq).or_default();
        *known = version.max(*known);
    }
}

impl Client {
    /// It reads what it doesn't know yet, of which later frames may tell once
    /// more.
    pub(super) fn read_first(&mut self, view: &Conversation, there: BTreeMap<i64, i64>) {
        if let Entry::Vacant(place) = self.copies.entry(view.id) {
            place.insert(Copy::default());
            self.read_again(view, there);
        }
    }

    /// It reads all there is to see, of which later frames may tell once more.
    pub(super) fn read_again(&mut self, view: &Conversation, there: BTreeMap<i64, i64>) {
        let copy = self.copies.get_mut(&view.id).unwrap();
        copy.messages = there;
        copy.has_left = view.left;
        copy.cursor = view.version;
        copy.newest = 0;
        copy.is_live = true;
    }
}

impl Copy {
    /// It has a version that there never was.
    pub(super) fn astray(&mut self) {
        (self.cursor, self.newest) = (1_000_000, 1_000_000);
    }

    /// What its person saw before is no longer theirs.
    fn come_again(&mut self, version: i64) {
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
        assert!(!self.is_live, "brought there twice");
        assert!(version >= self.cursor);
        self.is_live = true;
        self.cursor = version;
        self.newest = version;
    }
}
