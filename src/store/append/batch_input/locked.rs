//! The batch's conversations, locked, with the markers and settings of its
//! actors.

use std::collections::BTreeSet;

use entity::conversation::ConversationKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ActiveEnum, DbBackend, Value};

use super::{
    BatchInput, ConversationVersions, DirectPeer, LockedConversation, MarkerSeqs, MemberMarkers,
    MemberSettings,
};
use crate::store::append::AppendEntry;
use crate::store::db::json_rows::{self, json_row};
use crate::store::db::{QueuedQuery, StatementBatch, sql};

json_row! {
    /// A conversation and one of its actors. The actor's fields are null or zero if
    /// the actor never was a member.
    pub(super) struct LockedConversationRow of LockedConversationColumns {
        id: ConversationId,
        #[serde(deserialize_with = "json_rows::choice")]
        kind: ConversationKind,
        last_seq: i64,
        last_ord: i64,
        version: i64,
        members_version: i64,
        participant_count: i32,
        delivered_low: i64,
        read_low: i64,
        last_message_id: Option<MessageId>,
        last_message_at: Option<i64>,
        user_id: Option<UserId>,
        joined: i64,
        delivered: i64,
        read: i64,
        read_ord: i64,
        #[serde(deserialize_with = "json_rows::flag")]
        archived: bool,
        #[serde(deserialize_with = "json_rows::flag")]
        pinned: bool,
        muted_until: Option<i64>,
        left: Option<i64>,
        peer: Option<UserId>,
        peer_delivered: Option<i64>,
        peer_read: Option<i64>,
    }
}

/// The conversation is `c`, its actor `p`, and the other user of a direct
/// conversation `o`.
const LOCKED_COLUMNS: LockedConversationColumns = LockedConversationColumns {
    id: "c.id",
    kind: "c.kind",
    last_seq: "c.last_seq",
    last_ord: "c.last_ord",
    version: "c.version",
    members_version: "c.members_version",
    participant_count: "c.participant_count",
    delivered_low: "c.delivered_low",
    read_low: "c.read_low",
    last_message_id: "c.last_message_id",
    last_message_at: "c.last_message_at",
    user_id: "p.user_id",
    joined: "COALESCE(p.joined_seq, 0)",
    delivered: "COALESCE(p.delivered_seq, 0)",
    read: "COALESCE(p.read_seq, 0)",
    read_ord: "COALESCE(p.read_ord, 0)",
    archived: "COALESCE(p.archived, FALSE)",
    pinned: "COALESCE(p.pinned, FALSE)",
    muted_until: "p.muted_until",
    left: "p.left_seq",
    peer: "o.user_id",
    peer_delivered: "o.delivered_seq",
    peer_read: "o.read_seq",
};

/// Locks the batch's conversations in the order of their ids, so that two
/// batches can't deadlock. Also reads the actors' markers, and in direct
/// conversations those of the other user. On SQLite the transaction itself is
/// the lock.
pub(super) fn queue_locks(
    statements: &mut StatementBatch,
    batch: &[AppendEntry],
) -> QueuedQuery<LockedConversationRow> {
    let pairs: BTreeSet<(ConversationId, UserId)> = batch
        .iter()
        .map(|append| (append.conversation, append.actor.id))
        .collect();
    let lock = match statements.backend() {
        DbBackend::Sqlite => "",
        _ => " FOR UPDATE OF c",
    };
    let rest = format!(
        "FROM {} v JOIN conversation c ON c.id = v.column1 \
         LEFT JOIN participant p ON p.conversation_id = c.id AND p.user_id = v.column2 \
         LEFT JOIN participant o \
         ON o.conversation_id = CASE WHEN c.kind = {direct} THEN c.id END \
         AND o.user_id <> v.column2 \
         ORDER BY c.id{lock}",
        sql::values_list(statements.backend(), pairs.len(), 2),
        direct = ConversationKind::Direct.to_value(),
    );
    let values = pairs
        .iter()
        .flat_map(|(conversation, user)| [Value::from(*conversation), Value::from(*user)]);
    statements.query(&LOCKED_COLUMNS, &rest, values)
}

impl BatchInput {
    pub(super) fn insert_row(&mut self, row: LockedConversationRow) {
        let id = row.id;
        let found = LockedConversation {
            id,
            kind: row.kind,
            last_seq: row.last_seq,
            last_ord: row.last_ord,
            version: row.version,
            members_version: row.members_version,
            participant_count: row.participant_count,
            delivered_low: row.delivered_low,
            read_low: row.read_low,
            last_message_id: row.last_message_id,
            last_message_at: row.last_message_at.map(Millis),
            base_versions: ConversationVersions::default(),
        };
        self.conversations.entry(id).or_insert(found.into_base());
        if let Some(user) = row.user_id {
            let marks = MemberMarkers {
                joined: row.joined,
                delivered: row.delivered,
                read: row.read,
                read_ord: row.read_ord,
            };
            self.marks.insert((id, user), marks);
            let own = MemberSettings {
                archived: row.archived,
                pinned: row.pinned,
                muted_until: row.muted_until.map(Millis),
                left_seq: row.left,
            };
            self.settings.insert((id, user), own);
            if let (Some(peer), Some(delivered), Some(read)) =
                (row.peer, row.peer_delivered, row.peer_read)
            {
                let markers = MarkerSeqs { delivered, read };
                let peer = DirectPeer {
                    user: peer,
                    markers,
                };
                self.peers.insert((id, user), peer);
            }
        }
    }
}
