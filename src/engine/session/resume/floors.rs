//! The version up to which a session has each conversation. Pure.
//!
//! A change that a Room announces late may have been replayed, and isn't sent
//! again.

use std::collections::HashMap;

use entity::ConversationId;

use crate::engine::ports::EventFrame;

/// The versions that a session reached by resuming.
#[derive(Debug, Default)]
pub(super) struct ReplayFloors {
    known: HashMap<ConversationId, i64>,
    replaying: ReplayScope,
}

/// The conversations being replayed. The replay includes their changes.
#[derive(Clone, Copy, Debug, Default)]
enum ReplayScope {
    #[default]
    Nothing,
    One(ConversationId),
    /// Every conversation that isn't known yet.
    All,
}

impl ReplayFloors {
    /// Begins to replay a conversation.
    pub(super) fn begin_one(&mut self, id: ConversationId) {
        self.known.remove(&id);
        self.replaying = ReplayScope::One(id);
    }

    /// Begins to replay all conversations.
    pub(super) fn begin_all(&mut self) {
        self.known.clear();
        self.replaying = ReplayScope::All;
    }

    /// Records the version that a conversation reached.
    pub(super) fn reach(&mut self, id: ConversationId, version: i64) {
        self.known.insert(id, version);
    }

    /// Ends the replay; `rest` has the versions of conversations that needed no
    /// replay.
    pub(super) fn finish(&mut self, rest: HashMap<ConversationId, i64>) {
        for (id, version) in rest {
            self.known.entry(id).or_insert(version);
        }
        self.replaying = ReplayScope::Nothing;
    }

    /// Returns whether a frame is newer than the replay. A frame that passed
    /// before the gate closed is part of the replay.
    pub(super) fn is_newer(&self, frame: &EventFrame) -> bool {
        let Some(id) = frame.conversation.filter(|_| frame.version > 0) else {
            return true;
        };
        match (self.known.get(&id), self.replaying) {
            (Some(floor), _) => frame.version > *floor,
            (None, ReplayScope::Nothing) => true,
            (None, ReplayScope::One(waiting)) => waiting != id,
            (None, ReplayScope::All) => false,
        }
    }
}
