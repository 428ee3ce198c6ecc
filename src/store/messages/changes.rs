//! Which messages changed after a version.
//!
//! There is no index of the versions of all messages: it would cost each of
//! them one more page to write. A message's `posted_version` grows with its
//! `seq`, so the first one that was posted after a version is found by halving;
//! what was touched since it was posted is little, and has an index of its own.

use sea_orm::ConnectionTrait;

use entity::ConversationId;

use super::select;
use crate::protocol::Message;
use crate::store::Result;

/// Everything that changed in a conversation after a version, in its present
/// state, in the order of `seq`.
pub(in crate::store) async fn changed(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    after: i64,
) -> Result<Vec<Message>> {
    let all = sql("m.id", "");
    let rest = format!("WHERE m.id IN ({all}) ORDER BY m.seq");
    select(db, &rest, [conversation.into(), after.into(), 0_i64.into()]).await
}

/// A query for `columns` of each message `m` of the conversation `$1` that
/// changed after the version `$2` and has a `seq` above `$3`: those that were
/// posted since and those that were touched since, of which some are the same,
/// and of either no more than `limits` lets through (further conditions).
pub(in crate::store) fn sql(columns: &str, limits: &str) -> String {
    let from = format!("SELECT {columns} FROM message m WHERE m.conversation_id = $1");
    format!(
        "SELECT * FROM ({from} AND m.seq > ({LAST_BEFORE}) {limits}) posted \
         UNION SELECT * FROM ({from} AND m.version > $2 AND m.version > m.posted_version \
         AND +m.seq > $3 {limits}) touched"
    )
}

/// The `seq` of the last message that was posted up to the version `$2`, or
/// `$3` where that is more. Each message takes a version of its own: no more
/// were posted since than there were versions, which is where halving begins.
pub(in crate::store) const LAST_BEFORE: &str = "WITH RECURSIVE halves(low, high) AS ( \
     SELECT CASE WHEN c.last_seq - (c.version - $2) > $3 THEN c.last_seq - (c.version - $2) \
     ELSE $3 END, c.last_seq FROM conversation c WHERE c.id = $1 \
     UNION ALL SELECT CASE WHEN h.posted_version > $2 THEN b.low ELSE h.seq END, \
     CASE WHEN h.posted_version > $2 THEN h.seq - 1 ELSE b.high END \
     FROM halves b JOIN message h ON h.conversation_id = $1 AND h.seq = (b.low + b.high + 1) / 2 \
     WHERE b.low < b.high) SELECT MAX(low) FROM halves";
