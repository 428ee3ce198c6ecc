//! A conversation as one of its people sees it.

use entity::conversation::Kind;
use entity::participant::Role;
use entity::{ConversationId, Millis};
use serde::Serialize;

use super::encoding::json_len;
use super::{Message, User};

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Participant {
    pub user: User,
    pub role: Role,
    /// They have everything up to this `seq`.
    pub delivered_seq: i64,
    /// They have seen everything up to this `seq`.
    pub read_seq: i64,
    /// None where the one who looks may not know.
    pub is_online: Option<bool>,
    pub last_seen: Option<Millis>,
}

/// The same, as `members` pages through them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    pub user: User,
    pub role: Role,
    pub joined_at: Millis,
    pub delivered_seq: i64,
    pub read_seq: i64,
}

/// A conversation in its present state.
#[derive(Clone, Debug, Serialize)]
pub struct Conversation {
    pub id: ConversationId,
    pub kind: Kind,
    /// A direct one has none.
    pub title: Option<String>,
    pub participant_count: i32,
    pub participants: Vec<Participant>,
    /// All others have everything up to this `seq`.
    pub all_delivered_seq: i64,
    /// All others have seen everything up to this `seq`.
    pub all_read_seq: i64,
    pub last_message: Option<Message>,
    pub last_seq: i64,
    /// The newest lasting change: the cursor that `resume` takes.
    pub version: i64,
    pub unread_count: i64,
    pub muted_until: Option<Millis>,
    pub archived: bool,
    pub pinned: bool,
    /// They left or were removed: a read-only view up to there.
    pub left: bool,
    pub created_at: Millis,
}

impl Conversation {
    /// How many bytes it has as JSON.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        json_len(self)
    }
}
