//! What an entry of the Journal weighs: a batch ends by it.

use super::{How, Post, Touch, What};
use crate::protocol::encoding::json_len;
use crate::store::messages;

/// The most bytes that a character takes in JSON: an escaped control character.
const CHARACTER_MAX: usize = 6;
/// The weight of a row that is read or written for an entry.
const OF_ROW: usize = 128;
/// The weight of the messages that quote a text that changes: some hundred are
/// read and sent.
const OF_QUOTES: usize = 8 * 1024;
/// The weight of a deletion, which writes a row for each member.
const OF_MEMBERS: usize = 16 * 1024;

impl What {
    /// What it adds to a batch, as bytes: its text as in frames, and for each
    /// row that it reads, writes or sends about as much as that takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Post(post) => json_len(&post.text.as_str()) + post.quoted(),
            Self::Change(change) => {
                change.text.len() + change.event.len() + OF_ROW * (1 + change.moves.len())
            }
            Self::FindSent(_) | Self::Settings(_) => OF_ROW,
            Self::Mark(marks) => OF_ROW * marks.len(),
            Self::Touch(touch) => touch.weight(),
        }
    }
}

impl Post {
    /// The most that what it quotes can weigh, in bytes.
    fn quoted(&self) -> usize {
        self.reply_to
            .map_or(0, |_| CHARACTER_MAX * messages::QUOTE_MAX)
    }
}

impl Touch {
    fn weight(&self) -> usize {
        match &self.how {
            How::Edit(text) => json_len(&text.as_str()) + OF_QUOTES,
            How::Withdraw => OF_QUOTES + OF_MEMBERS,
            How::React { .. } => 4 * OF_ROW,
        }
    }
}
