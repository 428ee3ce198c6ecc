//! The unread counts of users.

use std::collections::HashMap;

use entity::{ConversationId, Millis, UserId};
use sea_orm::{ConnectionTrait, Statement, Value};

use crate::store::db::json_rows::{self, JsonColumns, json_row};
use crate::store::db::sql::{pad_to_power_of_two, placeholders};
use crate::store::db::{BatchLoader, Database, Db, Result};

/// The number of text messages after the read marker, without deleted ones. For
/// a former member, up to the last message of their membership.
pub(super) const UNREAD: &str = "CASE WHEN p.left_seq IS NULL THEN c.last_ord ELSE COALESCE( \
     (SELECT l.ord FROM message l WHERE l.conversation_id = c.id AND l.seq = p.left_seq), 0) END \
     - p.read_ord - p.unread_deleted";

/// A user's unread count in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadConversation {
    pub conversation: ConversationId,
    pub count: i64,
    pub muted_until: Option<Millis>,
}

/// Reads of unread conversations, which concurrent callers share.
pub(super) type UnreadLoader = BatchLoader<UserId, Vec<UnreadConversation>>;

/// The unread counts of users.
#[derive(Clone, Copy)]
pub struct UnreadRepository<'a> {
    db: &'a Db,
    loader: &'a UnreadLoader,
}

impl<'a> UnreadRepository<'a> {
    /// Creates a repository on these connections and the shared loader.
    pub(in crate::store) fn new(db: &'a Db, loader: &'a UnreadLoader) -> Self {
        Self { db, loader }
    }
}

impl UnreadRepository<'_> {
    /// Returns a user's conversations with unread messages, without archived
    /// ones. Concurrent callers share one read.
    pub async fn list(self, me: UserId) -> Result<Vec<UnreadConversation>> {
        let db = self.db.reader().clone();
        let read = move |users| load_unread(db.clone(), users);
        Ok(self.loader.load(me, read).await?.unwrap_or_default())
    }

    /// Returns the total number of a user's unread messages.
    pub async fn count_total(self, me: UserId, now: Millis) -> Result<i64> {
        let sql = format!(
            "SELECT CAST(COALESCE(SUM({UNREAD}), 0) AS BIGINT) AS total FROM participant p \
             JOIN conversation c ON c.id = p.conversation_id WHERE p.user_id = $1 \
             AND p.left_seq IS NULL AND NOT p.archived \
             AND (p.muted_until IS NULL OR p.muted_until <= $2)"
        );
        let statement =
            Statement::from_sql_and_values(self.db.backend(), sql, [me.into(), now.into()]);
        let row = self.db.reader().query_one_raw(statement).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get_by("total"))?)
    }

    /// Returns the number of unread messages in a user's archived
    /// conversations, or `None` if no conversation is archived.
    pub async fn count_archived(self, me: UserId) -> Result<Option<i64>> {
        let sql = format!(
            "SELECT CAST(SUM({UNREAD}) AS BIGINT) AS total FROM participant p \
             JOIN conversation c ON c.id = p.conversation_id WHERE p.user_id = $1 \
             AND p.archived"
        );
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, [me.into()]);
        let row = self.db.reader().query_one_raw(statement).await?;
        Ok(row.map_or(Ok(None), |row| row.try_get_by("total"))?)
    }
}

async fn load_unread(
    db: Database,
    mut users: Vec<UserId>,
) -> Result<HashMap<UserId, Vec<UnreadConversation>>> {
    pad_to_power_of_two(&mut users);
    let columns = UnreadColumns {
        user_id: "user_id",
        conversation: "conversation",
        count: "count",
        muted_until: "muted_until",
    };
    // The subquery is materialized first: with the condition at the join,
    // PostgreSQL prefers to read all conversations.
    let sql = format!(
        "WITH waiting AS MATERIALIZED (SELECT p.user_id, c.id AS conversation, \
         p.muted_until, {UNREAD} AS count FROM participant p \
         JOIN conversation c ON c.id = p.conversation_id WHERE p.user_id IN ({}) \
         AND p.left_seq IS NULL AND NOT p.archived) {}",
        placeholders(users.len()),
        json_rows::sql(
            db.get_database_backend(),
            &columns.list(),
            "FROM waiting WHERE count > 0"
        )
    );
    let users = users.into_iter().map(Value::from);
    let mut found = HashMap::<_, Vec<_>>::new();
    for row in json_rows::query_sql::<UnreadRow>(&db, sql, users).await? {
        found
            .entry(row.user_id)
            .or_default()
            .push(UnreadConversation {
                conversation: row.conversation,
                count: row.count,
                muted_until: row.muted_until.map(Millis),
            });
    }
    Ok(found)
}

json_row! {
    struct UnreadRow of UnreadColumns {
        user_id: UserId,
        conversation: ConversationId,
        count: i64,
        muted_until: Option<i64>,
    }
}
