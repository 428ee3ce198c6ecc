//! Up to which version a session was brought in each conversation: pure.
//!
//! What a Room tells late was replayed already, and isn't told again.

use std::collections::HashMap;

use entity::ConversationId;

use crate::engine::ports::Frame;

/// What a session was brought to by resuming.
#[derive(Debug, Default)]
pub(super) struct Floors {
    known: HashMap<ConversationId, i64>,
    waits: Waits,
}

/// What is being replayed: its news come with that.
#[derive(Clone, Copy, Debug, Default)]
enum Waits {
    #[default]
    Nothing,
    One(ConversationId),
    /// Every conversation that isn't known yet.
    All,
}

impl Floors {
    /// A conversation is replayed from now on.
    pub(super) fn begin_one(&mut self, id: ConversationId) {
        self.known.remove(&id);
        self.waits = Waits::One(id);
    }

    /// All of them are.
    pub(super) fn begin_all(&mut self) {
        self.known.clear();
        self.waits = Waits::All;
    }

    /// A conversation was brought to a version.
    pub(super) fn reach(&mut self, id: ConversationId, version: i64) {
        self.known.insert(id, version);
    }

    /// Nothing is replayed any more; those that weren't replayed stand here.
    pub(super) fn finish(&mut self, rest: HashMap<ConversationId, i64>) {
        for (id, version) in rest {
            self.known.entry(id).or_insert(version);
        }
        self.waits = Waits::Nothing;
    }

    /// Whether a frame tells more than that. What came before the gate was
    /// shut is in what is replayed.
    pub(super) fn is_news(&self, frame: &Frame) -> bool {
        let Some(id) = frame.conversation.filter(|_| frame.version > 0) else {
            return true;
        };
        match (self.known.get(&id), self.waits) {
            (Some(floor), _) => frame.version > *floor,
            (None, Waits::Nothing) => true,
            (None, Waits::One(waiting)) => waiting != id,
            (None, Waits::All) => false,
        }
    }
}
