//! The participants of conversations, as each viewer sees them.

use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId};
use sea_orm::ActiveEnum;

use super::ConversationViewRow;
use crate::protocol::{Participant, User};
use crate::store::blocked_pairs::BlockedPairs;
use crate::store::db::json_rows::{self, JsonColumns, json_row};
use crate::store::limits::MEMBER_EVENTS_MAX;
use crate::store::presence::PresenceRecord;

/// The columns of participants. All current members are listed; with more than
/// [`MEMBER_EVENTS_MAX`] members, only the owner and the viewer. A user who was
/// never online has no status.
pub(super) const PARTICIPANT_COLUMNS: ParticipantViewColumns<'_> = ParticipantViewColumns {
    conversation_id: "p.conversation_id",
    role: "p.role",
    has_left: "p.left_seq IS NOT NULL",
    delivered_seq: "p.delivered_seq",
    read_seq: "p.read_seq",
    user_id: "p.user_id",
    username: "u.username",
    display_name: "u.display_name",
    is_online: "COALESCE(s.is_online, FALSE)",
    last_seen: "s.last_seen",
};

/// Selects the participants of the conversations in `seen`.
pub(super) fn participants_sql() -> String {
    let owner = MemberRole::Owner.to_value();
    format!(
        "SELECT {} FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         JOIN \"user\" u ON u.id = p.user_id LEFT JOIN user_status s ON s.user_id = p.user_id \
         WHERE p.conversation_id IN (SELECT id FROM seen) \
         AND (p.user_id IN (SELECT user_id FROM seen) OR (p.left_seq IS NULL \
         AND (c.participant_count <= {MEMBER_EVENTS_MAX} OR p.role = {owner}))) \
         ORDER BY p.conversation_id, p.joined_at, p.user_id",
        PARTICIPANT_COLUMNS.named_list()
    )
}

json_row! {
    pub(super) struct ParticipantViewRow of ParticipantViewColumns {
        conversation_id: ConversationId,
        #[serde(deserialize_with = "json_rows::choice")]
        role: MemberRole,
        #[serde(deserialize_with = "json_rows::flag")]
        has_left: bool,
        delivered_seq: i64,
        read_seq: i64,
        user_id: UserId,
        username: String,
        display_name: String,
        #[serde(deserialize_with = "json_rows::flag")]
        is_online: bool,
        last_seen: Option<i64>,
    }
}

impl ParticipantViewRow {
    /// Returns whether the viewer of `row` sees this participant. A former
    /// member sees only themself, because others may have joined later.
    pub(super) fn is_visible_in(&self, row: &ConversationViewRow) -> bool {
        let is_me = self.user_id == row.user_id;
        let is_named = row.participant_count <= MEMBER_EVENTS_MAX || self.role == MemberRole::Owner;
        self.conversation_id == row.id
            && (is_me || (row.left_seq.is_none() && !self.has_left && is_named))
    }

    /// Builds the viewer's view of a participant. The presence is hidden if one
    /// of the two blocks the other, and in larger conversations, which still
    /// list the owner.
    pub(super) fn participant_view(
        &self,
        row: &ConversationViewRow,
        apart: &BlockedPairs,
    ) -> Participant {
        let is_told = self.user_id == row.user_id
            || (row.participant_count <= MEMBER_EVENTS_MAX
                && !apart.contains(row.user_id, self.user_id));
        let last_seen = self.last_seen.map(Millis);
        let status = is_told.then(|| PresenceRecord::from_columns(self.is_online, last_seen));
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
