//! What a batch writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::message::Furthest;
use entity::{ConversationId, Millis, UserId};

use super::marks::Move;
use super::touches::NewTouch;
use crate::protocol::Message;
use crate::store::append::look::Conversation;
use crate::store::append::moved::Lows;
use crate::store::append::{Change, MemberMove, Settings};

/// What a batch writes.
#[derive(Debug, Default)]
pub(in crate::store::append) struct Plan {
    pub(in crate::store::append) messages: Vec<NewMessage>,
    /// The conversations that changed, as they stand afterwards.
    pub(in crate::store::append) conversations: BTreeMap<ConversationId, Conversation>,
    /// People's own marks, as they stand afterwards.
    pub(in crate::store::append) moves: BTreeMap<(ConversationId, UserId), Move>,
    /// The lowest marks of those who take part, as they stand afterwards, where
    /// nobody has to be asked for them.
    pub(in crate::store::append) lows: HashMap<ConversationId, (i64, i64)>,
    /// Where the overall marks rose; known once the others are written.
    pub(in crate::store::append) raised: BTreeMap<ConversationId, Lows>,
    /// Changes of conversations themselves, in order.
    pub(in crate::store::append) changes: Vec<(Arc<Message>, Arc<Change>)>,
    /// People's own settings, in order.
    pub(in crate::store::append) settings: Vec<OwnSettings>,
    /// What is done to messages, in order.
    pub(in crate::store::append) touches: Vec<NewTouch>,
}

/// A message that is new.
#[derive(Debug)]
pub(in crate::store::append) struct NewMessage {
    pub(in crate::store::append) message: Arc<Message>,
    pub(in crate::store::append) ord: i64,
    pub(in crate::store::append) furthest: Furthest,
}

/// Somebody's own settings for a conversation, and the version they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::append) struct OwnSettings {
    pub(in crate::store::append) conversation: ConversationId,
    pub(in crate::store::append) user: UserId,
    pub(in crate::store::append) settings: Settings,
    pub(in crate::store::append) version: i64,
}

impl Plan {
    pub(in crate::store::append) fn is_empty(&self) -> bool {
        self.conversations.is_empty()
    }

    /// Whether a read marker passes every message that was stored before the
    /// batch. No message of the batch can be deleted in it.
    pub(in crate::store::append) fn reads_all(
        &self,
        conversation: ConversationId,
        moved: &Move,
    ) -> bool {
        let row = self.conversations.get(&conversation);
        moved.has_sent || row.is_some_and(|row| row.last_ord == moved.ord)
    }

    /// When the overall marks of a conversation rise: not before the messages
    /// that its members' marks passed.
    pub(in crate::store::append) fn raised_at(
        &self,
        conversation: ConversationId,
        now: Millis,
    ) -> Millis {
        let of_it = (conversation, UserId(i64::MIN))..=(conversation, UserId(i64::MAX));
        let moves = self.moves.range(of_it).map(|(_, moved)| moved.at);
        let row = self.conversations.get(&conversation);
        let last = row.and_then(|row| super::not_before(row.last_message_at, now));
        moves.fold(last.unwrap_or(now), Millis::max)
    }

    /// The conversations to which it brings more than messages and marks.
    pub(in crate::store::append) fn changed_otherwise(
        &self,
    ) -> impl Iterator<Item = ConversationId> {
        let changes = self.changes.iter();
        let changed = changes.map(|(message, _)| message.conversation_id);
        let set = self.settings.iter().map(|own| own.conversation);
        let touched = self.touches.iter().map(|touch| touch.conversation);
        changed.chain(set).chain(touched)
    }

    /// The conversations that somebody left or came to.
    pub(in crate::store::append) fn came_or_left(&self) -> Vec<ConversationId> {
        let moves = self.changes.iter().filter(|(_, change)| {
            let mut moves = change.moves.iter();
            moves.any(|moved| !matches!(moved, MemberMove::Become(..)))
        });
        moves.map(|(message, _)| message.conversation_id).collect()
    }
}
