//! The people of conversations, as each who looks at these sees them.

use entity::participant::Role;
use entity::{ConversationId, Millis, UserId};
use serde::Deserialize;

use super::{Row, named};
use crate::protocol::{Participant, User};
use crate::store::blocks::Pairs;
use crate::store::{Status, TELLS_EACH_UP_TO, piece};

/// Who is told of in them: everybody who is in, of the larger ones the owner
/// and whoever looks. Who was never here has no status yet.
pub(super) const PEOPLE: [(&str, &str); 10] = [
    ("conversation_id", "p.conversation_id"),
    ("role", "p.role"),
    ("has_left", "p.left_seq IS NOT NULL"),
    ("delivered_seq", "p.delivered_seq"),
    ("read_seq", "p.read_seq"),
    ("user_id", "p.user_id"),
    ("username", "u.username"),
    ("display_name", "u.display_name"),
    ("is_online", "COALESCE(s.is_online, FALSE)"),
    ("last_seen", "s.last_seen"),
];

/// The people of the conversations in `seen`.
pub(super) fn sql() -> String {
    let owner = Role::Owner as i16;
    format!(
        "SELECT {} FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         JOIN \"user\" u ON u.id = p.user_id LEFT JOIN user_status s ON s.user_id = p.user_id \
         WHERE p.conversation_id IN (SELECT id FROM seen) \
         AND (p.user_id IN (SELECT user_id FROM seen) OR (p.left_seq IS NULL \
         AND (c.participant_count <= {TELLS_EACH_UP_TO} OR p.role = {owner}))) \
         ORDER BY p.conversation_id, p.joined_at, p.user_id",
        named(&PEOPLE)
    )
}

#[derive(Deserialize)]
pub(super) struct PersonRow {
    conversation_id: ConversationId,
    #[serde(deserialize_with = "piece::choice")]
    role: Role,
    #[serde(deserialize_with = "piece::flag")]
    has_left: bool,
    delivered_seq: i64,
    read_seq: i64,
    user_id: UserId,
    username: String,
    display_name: String,
    #[serde(deserialize_with = "piece::flag")]
    is_online: bool,
    last_seen: Option<i64>,
}

impl PersonRow {
    /// Who has left sees nobody but themselves: who came later is none of
    /// theirs.
    pub(super) fn is_seen_in(&self, row: &Row) -> bool {
        let is_me = self.user_id == row.user_id;
        let is_named = row.participant_count <= TELLS_EACH_UP_TO || self.role == Role::Owner;
        self.conversation_id == row.id
            && (is_me || (row.left_seq.is_none() && !self.has_left && is_named))
    }

    /// Neither of two people sees the other's status where one blocks the
    /// other, nor that of the owner whom a larger conversation still names.
    pub(super) fn seen_by(&self, row: &Row, apart: &Pairs) -> Participant {
        let is_told = self.user_id == row.user_id
            || (row.participant_count <= TELLS_EACH_UP_TO && !apart.has(row.user_id, self.user_id));
        let last_seen = self.last_seen.map(Millis);
        let status = is_told.then(|| Status::shown(self.is_online, last_seen));
        Participant {
            user: User {
                id: self.user_id,
                username: self.username.clone(),
                display_name: self.display_name.clone(),
            },
            role: self.role,
            delivered_seq: self.delivered_seq,
            read_seq: self.read_seq,
            is_online: status.map(|status| status.is_online),
            last_seen: status.and_then(|status| status.last_seen),
        }
    }
}
