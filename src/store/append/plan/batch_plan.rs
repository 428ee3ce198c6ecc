//! The rows that a batch writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::message::StatusCeiling;
use entity::{ConversationId, Millis, UserId};

use super::edits::PlannedEdit;
use super::markers::MarkerAdvance;
use crate::protocol::Message;
use crate::store::append::batch_input::LockedConversation;
use crate::store::append::marker_changes::Watermarks;
use crate::store::append::{ConversationChange, MemberChange, MemberSettingsPatch};

/// The rows that a batch writes.
#[derive(Debug, Default)]
pub(in crate::store::append) struct BatchPlan {
    pub(in crate::store::append) messages: Vec<PlannedMessage>,
    /// The changed conversations, in their new state.
    pub(in crate::store::append) conversations: BTreeMap<ConversationId, LockedConversation>,
    /// The moved markers of members, in their new state.
    pub(in crate::store::append) marker_advances: BTreeMap<(ConversationId, UserId), MarkerAdvance>,
    /// The lowest delivery and read marker of all members after the batch, in
    /// conversations where this needs no query.
    pub(in crate::store::append) lowest_markers: HashMap<ConversationId, (i64, i64)>,
    /// Raised watermarks; set once the markers are written.
    pub(in crate::store::append) raised: BTreeMap<ConversationId, Watermarks>,
    /// Changes of conversations, in order.
    pub(in crate::store::append) changes: Vec<(Arc<Message>, Arc<ConversationChange>)>,
    /// Members' own settings, in order.
    pub(in crate::store::append) settings: Vec<PlannedSettings>,
    /// Changes of messages, in order.
    pub(in crate::store::append) edits: Vec<PlannedEdit>,
}

/// A new message.
#[derive(Debug)]
pub(in crate::store::append) struct PlannedMessage {
    pub(in crate::store::append) message: Arc<Message>,
    pub(in crate::store::append) ord: i64,
    pub(in crate::store::append) furthest: StatusCeiling,
}

/// A change of a member's own settings, and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::append) struct PlannedSettings {
    pub(in crate::store::append) conversation: ConversationId,
    pub(in crate::store::append) user: UserId,
    pub(in crate::store::append) settings: MemberSettingsPatch,
    pub(in crate::store::append) version: i64,
}

impl BatchPlan {
    pub(in crate::store::append) fn is_empty(&self) -> bool {
        self.conversations.is_empty()
    }

    /// Returns whether a read marker passes every message that was stored
    /// before the batch. A new message can't be deleted in its own batch.
    pub(in crate::store::append) fn reads_all(
        &self,
        conversation: ConversationId,
        moved: &MarkerAdvance,
    ) -> bool {
        let row = self.conversations.get(&conversation);
        moved.has_sent || row.is_some_and(|row| row.last_ord == moved.ord)
    }

    /// Returns the time at which a conversation's watermarks rise. It is not
    /// before the time of any message that the markers passed.
    pub(in crate::store::append) fn watermark_time(
        &self,
        conversation: ConversationId,
        now: Millis,
    ) -> Millis {
        let of_it = (conversation, UserId(i64::MIN))..=(conversation, UserId(i64::MAX));
        let moves = self.marker_advances.range(of_it).map(|(_, moved)| moved.at);
        let row = self.conversations.get(&conversation);
        let last = row.and_then(|row| super::monotonic_time(row.last_message_at, now));
        moves.fold(last.unwrap_or(now), Millis::max)
    }

    /// Returns the conversations with other changes than messages and markers,
    /// which can't be cached.
    pub(in crate::store::append) fn conversations_not_cacheable(
        &self,
    ) -> impl Iterator<Item = ConversationId> {
        let changes = self.changes.iter();
        let changed = changes.map(|(message, _)| message.conversation_id);
        let set = self.settings.iter().map(|own| own.conversation);
        let touched = self.edits.iter().map(|edit| edit.conversation);
        changed.chain(set).chain(touched)
    }

    /// Returns the conversations that a member joined or left.
    pub(in crate::store::append) fn conversations_with_member_changes(
        &self,
    ) -> Vec<ConversationId> {
        let moves = self.changes.iter().filter(|(_, change)| {
            let mut moves = change.member_changes.iter();
            moves.any(|moved| !matches!(moved, MemberChange::SetRole(..)))
        });
        moves.map(|(message, _)| message.conversation_id).collect()
    }
}
