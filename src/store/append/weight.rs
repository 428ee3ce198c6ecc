//! The size of an entry: its weight, which limits the size of a batch, the text
//! that it stores, and its share of a batch's rows.

use entity::MessageId;

use super::{AppendEntry, AppendOutcome, CommittedChange};
use crate::protocol::encoding::json_len;
use crate::protocol::{ConversationAction, MessageAction};
use crate::store::messages;

/// The maximum number of bytes of a character in JSON: an escaped control
/// character.
const CHARACTER_MAX: usize = 6;
/// The weight of a row that is read or written.
const ROW_WEIGHT: usize = 128;
/// The weight of the replies to a message whose text changes: up to about a
/// hundred are read and sent.
const QUOTES_WEIGHT: usize = 8 * 1024;
/// The weight of a deletion, which writes a row for each member.
const MEMBERS_WEIGHT: usize = 16 * 1024;

impl AppendEntry {
    /// Returns the weight in bytes: the size of the text in a frame, and a
    /// constant for each row that is read, written or sent.
    #[must_use]
    pub fn weight(&self) -> usize {
        match &self.action {
            ConversationAction::Send(message) => match &message.text {
                Ok(text) => json_len(&text.as_str()) + quote_weight(message.reply_to),
                Err(_) => ROW_WEIGHT,
            },
            ConversationAction::Act { action, .. } => action_weight(action),
            ConversationAction::Mark(marks) => ROW_WEIGHT * marks.len(),
            ConversationAction::UpdateSettings(_) => ROW_WEIGHT,
            ConversationAction::ChangeGroup(change) => {
                change.text.len() + change.event.len() + ROW_WEIGHT * (1 + change.member_changes())
            }
        }
    }

    /// Returns the bytes of text that the entry adds; none if it adds no text.
    /// Leaving, deletions, marks and reactions work even if the disk is full.
    #[must_use]
    pub fn added_text(&self) -> Option<usize> {
        match &self.action {
            // Invalid content isn't stored.
            ConversationAction::Send(message) => Some(message.text.as_ref().ok()?.as_str().len()),
            ConversationAction::Act {
                action: MessageAction::Edit(text),
                ..
            } => Some(text.as_str().len()),
            ConversationAction::ChangeGroup(change)
                if change.title.is_some() || change.needs_connection.is_some() =>
            {
                Some(change.text.len() + change.event.len())
            }
            ConversationAction::Act {
                action: MessageAction::Delete | MessageAction::React { .. },
                ..
            }
            | ConversationAction::Mark(_)
            | ConversationAction::UpdateSettings(_)
            | ConversationAction::ChangeGroup(_) => None,
        }
    }

    /// Estimates how many rows the entry read or wrote.
    #[must_use]
    pub fn estimate_rows(&self, outcome: &AppendOutcome) -> u32 {
        let more = match (&self.action, outcome) {
            (_, AppendOutcome::Written(CommittedChange::Edited { quoting, .. })) => {
                quoting.len() + 1
            }
            (ConversationAction::Act { .. }, AppendOutcome::Unchanged(_)) => 1,
            (
                _,
                AppendOutcome::AlreadySent(_)
                | AppendOutcome::Unchanged(_)
                | AppendOutcome::NeedsConsent
                | AppendOutcome::Stale
                | AppendOutcome::Refused(_),
            ) => return 1,
            (ConversationAction::ChangeGroup(change), _) => change.member_changes(),
            (ConversationAction::Mark(marks), _) => marks.len(),
            _ => 1,
        };
        u32::try_from(more).unwrap_or(u32::MAX).saturating_add(2)
    }
}

/// Returns the maximum weight of a quote, in bytes.
fn quote_weight(reply_to: Option<MessageId>) -> usize {
    reply_to.map_or(0, |_| CHARACTER_MAX * messages::QUOTE_MAX)
}

fn action_weight(action: &MessageAction) -> usize {
    match action {
        MessageAction::Edit(text) => json_len(&text.as_str()) + QUOTES_WEIGHT,
        MessageAction::Delete => QUOTES_WEIGHT + MEMBERS_WEIGHT,
        MessageAction::React { .. } => 4 * ROW_WEIGHT,
    }
}
