//! The weight of an entry of the Journal, which limits the size of a batch.

use super::{AppendOperation, MessageEdit, MessageEditKind, MessagePost};
use crate::protocol::encoding::json_len;
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

impl AppendOperation {
    /// Returns the weight in bytes: the size of the text in a frame, and a
    /// constant for each row that is read, written or sent.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Post(post) => json_len(&post.text.as_str()) + post.quote_weight(),
            Self::Change(change) => {
                change.text.len()
                    + change.event.len()
                    + ROW_WEIGHT * (1 + change.member_changes.len())
            }
            Self::FindSent(_) | Self::Settings(_) => ROW_WEIGHT,
            Self::Markers(marks) => ROW_WEIGHT * marks.len(),
            Self::Edit(edit) => edit.weight(),
        }
    }
}

impl MessagePost {
    /// Returns the maximum weight of the quote, in bytes.
    fn quote_weight(&self) -> usize {
        self.reply_to
            .map_or(0, |_| CHARACTER_MAX * messages::QUOTE_MAX)
    }
}

impl MessageEdit {
    fn weight(&self) -> usize {
        match &self.kind {
            MessageEditKind::Edit(text) => json_len(&text.as_str()) + QUOTES_WEIGHT,
            MessageEditKind::Delete => QUOTES_WEIGHT + MEMBERS_WEIGHT,
            MessageEditKind::React { .. } => 4 * ROW_WEIGHT,
        }
    }
}
