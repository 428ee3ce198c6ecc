//! The rows that a batch writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use entity::message::StatusCeiling;
use entity::{ConversationId, MessageId, Millis, UserId};

use super::edits::PlannedEdit;
use super::markers::MarkerAdvance;
use crate::protocol::{MemberSettingsPatch, Message};
use crate::store::append::batch_input::{BatchInput, LockedConversation, MarkerSeqs};
use crate::store::append::{AppendOutcome, ConversationChange};

/// A planned batch. Writing it doesn't change it.
pub(in crate::store::append) struct PlannedBatch {
    /// One outcome per entry, in order.
    pub(in crate::store::append) outcomes: Vec<PlannedOutcome>,
    pub(in crate::store::append) plan: BatchPlan,
    /// The input, for the cache.
    pub(in crate::store::append) input: BatchInput,
}

/// The outcome of an entry, as far as it is known before the plan is written.
#[derive(Clone, Debug)]
pub(in crate::store::append) enum PlannedOutcome {
    Final(AppendOutcome),
    /// The messages are read after they are written.
    Edit(PlannedEditOutcome),
}

/// The part of an edit's outcome that the plan decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::append) struct PlannedEditOutcome {
    pub(in crate::store::append) message: MessageId,
    /// None if the message already is in the requested state.
    pub(in crate::store::append) version: Option<i64>,
    /// Whether the text changes, which replies quote.
    pub(in crate::store::append) changes_text: bool,
}

impl PlannedBatch {
    /// Returns whether messages must be read after they are written.
    pub(in crate::store::append) fn has_edits(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|outcome| matches!(outcome, PlannedOutcome::Edit(_)))
    }
}

impl From<AppendOutcome> for PlannedOutcome {
    fn from(outcome: AppendOutcome) -> Self {
        Self::Final(outcome)
    }
}

/// The rows that a batch writes.
#[derive(Debug)]
pub(in crate::store::append) struct BatchPlan {
    /// The time of the batch.
    pub(in crate::store::append) now: Millis,
    pub(in crate::store::append) messages: Vec<PlannedMessage>,
    /// The changed conversations, in their new state.
    pub(in crate::store::append) conversations: BTreeMap<ConversationId, LockedConversation>,
    /// The moved markers of members, in their new state.
    pub(in crate::store::append) marker_advances: BTreeMap<(ConversationId, UserId), MarkerAdvance>,
    /// The lowest delivery and read marker of all members after the batch, in
    /// conversations where this needs no query.
    pub(in crate::store::append) lowest_markers: HashMap<ConversationId, MarkerSeqs>,
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
    pub(super) fn new(now: Millis) -> Self {
        Self {
            now,
            messages: Vec::new(),
            conversations: BTreeMap::new(),
            marker_advances: BTreeMap::new(),
            lowest_markers: HashMap::new(),
            changes: Vec::new(),
            settings: Vec::new(),
            edits: Vec::new(),
        }
    }

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
    pub(in crate::store::append) fn watermark_time(&self, conversation: ConversationId) -> Millis {
        let of_it = (conversation, UserId(i64::MIN))..=(conversation, UserId(i64::MAX));
        let moves = self.marker_advances.range(of_it).map(|(_, moved)| moved.at);
        let row = self.conversations.get(&conversation);
        let last = row.and_then(|row| super::monotonic_time(row.last_message_at, self.now));
        moves.fold(last.unwrap_or(self.now), Millis::max)
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
        let changes = self.changes.iter();
        let moves =
            changes.filter(|(_, change)| !(change.joined.is_empty() && change.left.is_empty()));
        moves.map(|(message, _)| message.conversation_id).collect()
    }
}
