//! A conversation, as one of its participants sees it.

use entity::conversation::ConversationKind;
use entity::participant::MemberRole;
use entity::{ConversationId, Millis};
use serde::Serialize;

use super::encoding::json_len;
use super::{Message, User};

/// A user in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Participant {
    pub user: User,
    pub role: MemberRole,
    /// A client of the user has everything up to this `seq`.
    pub delivered_seq: i64,
    /// The user has seen everything up to this `seq`.
    pub read_seq: i64,
    /// `None` if the viewer may not see the user's presence.
    pub is_online: Option<bool>,
    pub last_seen: Option<Millis>,
}

/// A member in a page of the `members` endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupMember {
    pub user: User,
    pub role: MemberRole,
    pub joined_at: Millis,
    pub delivered_seq: i64,
    pub read_seq: i64,
}

/// A conversation in its present state.
#[derive(Clone, Debug, Serialize)]
pub struct Conversation {
    pub id: ConversationId,
    pub kind: ConversationKind,
    /// `None` for a direct conversation.
    pub title: Option<String>,
    pub participant_count: i32,
    pub participants: Vec<Participant>,
    /// All other members have received everything up to this `seq`.
    pub all_delivered_seq: i64,
    /// All other members have seen everything up to this `seq`.
    pub all_read_seq: i64,
    pub last_message: Option<Message>,
    pub last_seq: i64,
    /// The version of the newest lasting change: the cursor for `resume`.
    pub version: i64,
    pub unread_count: i64,
    pub muted_until: Option<Millis>,
    pub archived: bool,
    pub pinned: bool,
    /// Whether the user left or was removed. The conversation is then a
    /// read-only view up to that point.
    pub left: bool,
    pub created_at: Millis,
}

impl Conversation {
    /// Returns the conversation's length as JSON, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        json_len(self)
    }
}
