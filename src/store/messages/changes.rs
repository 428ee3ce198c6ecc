//! Which messages changed after a version.
//!
//! There is no index of the versions of all messages: it would cost each of
//! them one more page to write. A message's `posted_version` grows with its
//! `seq`, so the first one that was posted after a version is found by halving;
//! what was touched since it was posted is little, and has an index of its own.
//! So have the texts that changed, by which the answers are found that quote
//! them.

use sea_orm::ConnectionTrait;

use entity::{ConversationId, MessageId};

use super::{SightSql, by_ids, select};
use crate::protocol::Message;
use crate::store::{Result, piece};

/// If more messages than this quote what changed, none of them is told because
/// of its quote: sessions read the conversation again.
pub(in crate::store) const QUOTING_TOLD: usize = 100;

/// What changed in a conversation after a version, in its present state.
pub(in crate::store) struct ChangedMessages {
    /// In the order of `seq`.
    pub(in crate::store) messages: Vec<Message>,
    /// More messages quote a changed text than are sent.
    pub(in crate::store) has_more: bool,
}

/// Everything that changed in a conversation after a version.
pub(in crate::store) async fn changed(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    after: i64,
) -> Result<ChangedMessages> {
    let own = own_changes("m.id", [""; 2]);
    let rest = format!("WHERE m.id IN ({own}) ORDER BY m.seq");
    let values = [conversation.into(), after.into(), 0_i64.into()];
    let mut messages = select(db, (SightSql::WHOLE, &rest), values.clone()).await?;
    let limit = format!("LIMIT {}", QUOTING_TOLD + 1);
    let rest = format!("FROM ({}) touched", quoting("m.id", &limit));
    let ids: Vec<[MessageId; 1]> = piece::rows(db, ("id", &rest), values).await?;
    let has_more = ids.len() > QUOTING_TOLD;
    if !has_more {
        let mut ids = ids.concat();
        ids.retain(|id| messages.iter().all(|message| message.id != *id));
        messages.append(&mut by_ids(db, &ids).await?);
        messages.sort_unstable_by_key(|message| message.seq);
    }
    Ok(ChangedMessages { messages, has_more })
}

/// A query for `columns` of each message `m` of the conversation `$1` that
/// changed for a reader after the version `$2` and has a `seq` above `$3`, up to
/// the `seq` `$4`: those that were posted since, those that were touched since,
/// and those that quote a text that changed since. Some are the same. Of each
/// kind it reads at most `limit`. `$5` bounds the versions that are looked at.
/// Of changes after the version `$6`, in which a former member left, deletions
/// alone reach them; what changed before that may have changed again since.
pub(in crate::store) fn sql(columns: &str, limit: usize) -> String {
    let own = own_changes(
        columns,
        [
            &format!("AND m.seq <= $4 LIMIT {limit}"),
            &format!(
                "AND m.version <= $5 AND m.seq <= $4 \
                 AND ($2 < $6 OR m.deleted_at IS NOT NULL) LIMIT {limit}"
            ),
        ],
    );
    let quoting = quoting(
        columns,
        &format!(
            "AND o.text_version <= $5 AND m.seq <= $4 \
             AND (o.text_version <= $6 OR o.deleted_at IS NOT NULL) LIMIT {limit}"
        ),
    );
    format!("{own} UNION SELECT * FROM ({quoting}) touched")
}

/// Those that were posted or touched.
fn own_changes(columns: &str, [posted, touched]: [&str; 2]) -> String {
    let from = format!("SELECT {columns} FROM message m WHERE m.conversation_id = $1");
    format!(
        "SELECT * FROM ({from} AND m.seq > ({LAST_BEFORE}) {posted}) posted \
         UNION SELECT * FROM ({from} AND m.version > $2 AND m.version > m.posted_version \
         AND +m.seq > $3 {touched}) touched"
    )
}

/// Those that quote a text that changed. What was sent after the change is
/// among them: it changed by itself. Members who do not see the original do
/// not see its text in a quote either.
fn quoting(columns: &str, limits: &str) -> String {
    format!(
        "SELECT {columns} FROM message o CROSS JOIN message m WHERE o.conversation_id = $1 \
         AND o.text_version > $2 AND o.text_version > 0 AND +o.seq > $3 AND m.reply_to = o.id \
         {limits}"
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
