//! The batch's conversations, locked, with the markers and settings of its
//! actors.

use std::collections::BTreeSet;

use entity::conversation::ConversationKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ActiveEnum, DbBackend, Value};
use serde::Deserialize;

use super::{
    BatchInput, ConversationVersions, DirectPeer, LockedConversation, MemberMarkers, MemberSettings,
};
use crate::store::append::AppendEntry;
use crate::store::db::{StatementBatch, json_rows, sql};

/// A conversation and one of its actors. The actor's fields are null or zero if
/// the actor never was a member. The fields are in the order of
/// [`LOCKED_COLUMNS`].
#[derive(Deserialize)]
pub(super) struct LockedConversationRow {
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

const LOCKED_COLUMNS: &str = "c.id, c.kind, c.last_seq, c.last_ord, c.version, c.members_version, \
     c.participant_count, c.delivered_low, c.read_low, c.last_message_id, c.last_message_at, \
     p.user_id, COALESCE(p.joined_seq, 0), COALESCE(p.delivered_seq, 0), COALESCE(p.read_seq, 0), \
     COALESCE(p.read_ord, 0), COALESCE(p.archived, FALSE), COALESCE(p.pinned, FALSE), p.muted_until, p.left_seq, \
     o.user_id, o.delivered_seq, o.read_seq";

/// Locks the batch's conversations in the order of their ids, so that two
/// batches can't deadlock. Also reads the actors' markers, and in direct
/// conversations those of the other user. On SQLite the transaction itself is
/// the lock.
pub(super) fn queue_locks(statements: &mut StatementBatch, batch: &[AppendEntry]) {
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
    statements.add(
        json_rows::sql(statements.backend(), LOCKED_COLUMNS, &rest),
        values,
    );
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
                let peer = DirectPeer::new(peer, (delivered, read));
                self.peers.insert((id, user), peer);
            }
        }
    }
}
