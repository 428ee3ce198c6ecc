//! Messages that changed after a version.
//!
//! There is no index of the versions of all messages, because it would cost one
//! more page write per message. A message's `posted_version` grows with its
//! `seq`, so a binary search finds the first message posted after a version.
//! Messages that changed later are few and have an index of their own. So do
//! changed texts, which lead to the replies that quote them.

use sea_orm::ConnectionTrait;

use entity::{ConversationId, MessageId};

use super::{ReaderSql, load_by_ids, select_messages};
use crate::protocol::Message;
use crate::store::db::{Result, json_rows};

/// If more replies than this quote changed texts, none of them is sent because
/// of its quote. Sessions read the conversation again.
pub(in crate::store) const QUOTING_MAX: usize = 100;

/// The messages of a conversation that changed after a version, in their
/// present state.
pub(in crate::store) struct ChangedMessages {
    /// By `seq`.
    pub(in crate::store) messages: Vec<Message>,
    /// Whether more replies quote a changed text than are sent.
    pub(in crate::store) has_more: bool,
}

/// Returns the messages of a conversation that changed after a version.
pub(in crate::store) async fn load_changed(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    after: i64,
) -> Result<ChangedMessages> {
    let own = own_changes_sql("m.id", [""; 2]);
    let rest = format!("WHERE m.id IN ({own}) ORDER BY m.seq");
    let values = [conversation.into(), after.into(), 0_i64.into()];
    let mut messages = select_messages(db, ReaderSql::WHOLE, &rest, values.clone()).await?;
    let limit = format!("LIMIT {}", QUOTING_MAX + 1);
    let rest = format!("FROM ({}) touched", quoting_sql("m.id", &limit));
    let ids: Vec<[MessageId; 1]> = json_rows::query_rows(db, "id", &rest, values).await?;
    let has_more = ids.len() > QUOTING_MAX;
    if !has_more {
        let mut ids = ids.concat();
        ids.retain(|id| messages.iter().all(|message| message.id != *id));
        messages.append(&mut load_by_ids(db, &ids).await?);
        messages.sort_unstable_by_key(|message| message.seq);
    }
    Ok(ChangedMessages { messages, has_more })
}

/// Returns a query for `columns` of messages `m` in the conversation `$1` that
/// changed for a reader after the version `$2`. Their `seq` is above `$3` and
/// up to `$4`. The result has new messages, changed ones, and replies to
/// changed texts; a message may occur more than once. The query reads at most
/// `limit` of each kind, up to the version `$5`. A former member left in the
/// version `$6`, and of later changes sees only deletions. Messages that
/// changed before `$6` may have changed again since.
pub(in crate::store) fn changed_messages_sql(columns: &str, limit: usize) -> String {
    let own = own_changes_sql(
        columns,
        [
            &format!("AND m.seq <= $4 LIMIT {limit}"),
            &format!(
                "AND m.version <= $5 AND m.seq <= $4 \
                 AND ($2 < $6 OR m.deleted_at IS NOT NULL) LIMIT {limit}"
            ),
        ],
    );
    let quoting = quoting_sql(
        columns,
        &format!(
            "AND o.text_version <= $5 AND m.seq <= $4 \
             AND (o.text_version <= $6 OR o.deleted_at IS NOT NULL) LIMIT {limit}"
        ),
    );
    format!("{own} UNION SELECT * FROM ({quoting}) touched")
}

/// Selects new and changed messages.
fn own_changes_sql(columns: &str, [posted, touched]: [&str; 2]) -> String {
    let from = format!("SELECT {columns} FROM message m WHERE m.conversation_id = $1");
    format!(
        "SELECT * FROM ({from} AND m.seq > ({LAST_SEQ_BEFORE}) {posted}) posted \
         UNION SELECT * FROM ({from} AND m.version > $2 AND m.version > m.posted_version \
         AND +m.seq > $3 {touched}) touched"
    )
}

/// Selects replies to changed texts. They include replies sent after the
/// change, which are changes themselves. Members who don't see the original
/// don't see its text in a quote either.
fn quoting_sql(columns: &str, limits: &str) -> String {
    format!(
        "SELECT {columns} FROM message o CROSS JOIN message m WHERE o.conversation_id = $1 \
         AND o.text_version > $2 AND o.text_version > 0 AND +o.seq > $3 AND m.reply_to = o.id \
         {limits}"
    )
}

/// The `seq` of the last message that was posted up to the version `$2`, but at
/// least `$3`. Each message has a version of its own, so at most as many
/// messages were posted after `$2` as there are later versions. The binary
/// search begins at the last `seq` minus that number.
pub(in crate::store) const LAST_SEQ_BEFORE: &str = "WITH RECURSIVE halves(low, high) AS ( \
     SELECT CASE WHEN c.last_seq - (c.version - $2) > $3 THEN c.last_seq - (c.version - $2) \
     ELSE $3 END, c.last_seq FROM conversation c WHERE c.id = $1 \
     UNION ALL SELECT CASE WHEN h.posted_version > $2 THEN b.low ELSE h.seq END, \
     CASE WHEN h.posted_version > $2 THEN h.seq - 1 ELSE b.high END \
     FROM halves b JOIN message h ON h.conversation_id = $1 AND h.seq = (b.low + b.high + 1) / 2 \
     WHERE b.low < b.high) SELECT MAX(low) FROM halves";
