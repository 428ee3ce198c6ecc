//! The batch's conversations, locked, and where its senders stand to them.

use std::collections::BTreeSet;

use entity::conversation::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ActiveEnum, DbBackend, Value};
use serde::Deserialize;

use super::{Conversation, Found, Marks, Own, Peer, Versions};
use crate::store::append::script::Script;
use crate::store::append::{Append, sql};
use crate::store::piece;

/// A conversation, and where one of its senders stands to it, where they ever
/// took part. The fields are in the order of [`LOCKED`].
#[derive(Deserialize)]
pub(super) struct LockedRow {
    id: ConversationId,
    #[serde(deserialize_with = "piece::choice")]
    kind: Kind,
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
    #[serde(deserialize_with = "piece::flag")]
    archived: bool,
    #[serde(deserialize_with = "piece::flag")]
    pinned: bool,
    muted_until: Option<i64>,
    left: Option<i64>,
    peer: Option<UserId>,
    peer_delivered: Option<i64>,
    peer_read: Option<i64>,
}

const LOCKED: &str = "c.id, c.kind, c.last_seq, c.last_ord, c.version, c.members_version, \
     c.participant_count, c.delivered_low, c.read_low, c.last_message_id, c.last_message_at, \
     p.user_id, COALESCE(p.joined_seq, 0), COALESCE(p.delivered_seq, 0), COALESCE(p.read_seq, 0), \
     COALESCE(p.read_ord, 0), COALESCE(p.archived, FALSE), COALESCE(p.pinned, FALSE), p.muted_until, p.left_seq, \
     o.user_id, o.delivered_seq, o.read_seq";

/// Locks the batch's conversations in the order of their ids, so that two
/// batches never wait for each other, and reads their senders' marks with
/// them, and of two people also the other's. (On SQLite the transaction itself
/// is the lock.)
pub(super) fn ask(script: &mut Script, batch: &[Append]) {
    let pairs: BTreeSet<(ConversationId, UserId)> = batch
        .iter()
        .map(|append| (append.conversation, append.actor.id))
        .collect();
    let lock = match script.backend() {
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
        sql::values(script.backend(), pairs.len(), 2),
        direct = Kind::Direct.to_value(),
    );
    let values = pairs
        .iter()
        .flat_map(|(conversation, user)| [Value::from(*conversation), Value::from(*user)]);
    script.add(piece::sql(script.backend(), LOCKED, &rest), values);
}

impl Found {
    pub(super) fn take(&mut self, row: LockedRow) {
        let id = row.id;
        let found = Conversation {
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
            found: Versions::default(),
        };
        self.conversations.entry(id).or_insert(found.into_found());
        if let Some(user) = row.user_id {
            let marks = Marks {
                joined: row.joined,
                delivered: row.delivered,
                read: row.read,
                read_ord: row.read_ord,
            };
            self.marks.insert((id, user), marks);
            let own = Own {
                archived: row.archived,
                pinned: row.pinned,
                muted_until: row.muted_until.map(Millis),
                left: row.left,
            };
            self.own.insert((id, user), own);
            if let (Some(peer), Some(delivered), Some(read)) =
                (row.peer, row.peer_delivered, row.peer_read)
            {
                let peer = Peer::at(peer, (delivered, read));
                self.peers.insert((id, user), peer);
            }
        }
    }
}
