//! Changes in a user's conversations after a version that a client has.

use entity::{ConversationId, Millis, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::views::{EXTRA_COLUMN, LAST_ACTIVITY, LISTED, VISIBLE_VERSION, load_views_with};
use crate::protocol::{Conversation, Message};
use crate::store::db::json_rows::{self, JsonColumns, json_row};
use crate::store::db::{Db, Result, StoreError, StoreTransaction};
use crate::store::messages;

/// The maximum number of a conversation's changed messages that one read finds;
/// more are not replayed.
const CHANGES_READ_MAX: usize = 1_000;

/// The maximum number of conversations that a resume returns besides those that
/// the client named.
const UNNAMED_MAX: usize = 500;

/// The limits of one read, in messages and in characters.
const READ_MAX: usize = 50;
const READ_CHARS: i64 = 64 * 1024;

json_row! {
    /// A conversation and the versions that a user may see.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct VisibleVersion of VisibleVersionColumns {
        id: ConversationId,
        /// The newest version that the user may see. For a former member, that of
        /// leaving or of a later change of a message that they still see.
        version: i64,
        /// The conversation's present version.
        ceiling: i64,
    }
}

/// A user's conversations, compared with those that a client named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeConversations {
    /// The named conversations, by id.
    pub named: Vec<VisibleVersion>,
    /// The newest of the user's other conversations, newest first.
    pub unnamed: Vec<ConversationId>,
    /// Whether the user has more unnamed conversations.
    pub has_more: bool,
}

json_row! {
    /// A message that changed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ChangedSeq of ChangedSeqColumns {
        seq: i64,
        /// The length of its text, in characters.
        length: i64,
    }
}

/// The changes of a conversation after a version, from one snapshot.
#[derive(Clone, Debug)]
pub struct ConversationDelta {
    /// The user's view of the conversation. Its version is the end of the
    /// range.
    pub view: Conversation,
    /// The conversation's present version.
    pub ceiling: i64,
    /// The changed messages that the user may see, by `seq`.
    pub changed: Vec<ChangedSeq>,
    /// Whether there may be more changes.
    pub is_cut: bool,
    /// The first changed messages, up to the limits of one read.
    pub messages: Vec<Message>,
}

impl ChangedSeq {
    /// Returns the `seq` of the first messages that fit into one read.
    pub fn first_batch(all: impl IntoIterator<Item = Self>) -> Vec<i64> {
        let mut room = READ_CHARS;
        let fits = |one: &Self| {
            let is_first = room == READ_CHARS;
            room -= one.length.max(1);
            is_first || room >= 0
        };
        let all = all.into_iter().take(READ_MAX);
        all.take_while(fits).map(|one| one.seq).collect()
    }
}

/// The changes that a resuming client missed.
#[derive(Clone, Copy)]
pub struct ReplayRepository<'a> {
    db: &'a Db,
}

impl<'a> ReplayRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

impl ReplayRepository<'_> {
    /// Returns the named conversations of a user's list and at most 500 others,
    /// without those whose last activity is earlier than `since`.
    pub async fn load_conversations(
        self,
        me: UserId,
        named: &[ConversationId],
        since: Option<Millis>,
    ) -> Result<ResumeConversations> {
        let ids: Vec<String> = named.iter().map(ToString::to_string).collect();
        let since = since.unwrap_or(Millis(i64::MIN));
        let values = [
            me.into(),
            format!("[{}]", ids.join(",")).into(),
            since.into(),
        ];
        let sql = resume_sql(self.db.backend());
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
        let Some(row) = self.db.reader().query_one_raw(statement).await? else {
            return Ok(ResumeConversations::default());
        };
        let named = json_rows::parse_column(&row, "named")?;
        let unnamed: Vec<[ConversationId; 1]> = json_rows::parse_column(&row, "unnamed")?;
        let mut unnamed = unnamed.into_flattened();
        let has_more = unnamed.len() > UNNAMED_MAX;
        unnamed.truncate(UNNAMED_MAX);
        Ok(ResumeConversations {
            named,
            unnamed,
            has_more,
        })
    }

    /// Returns the changes of a conversation after a version, for a user.
    ///
    /// # Errors
    /// `not_found` if the user never was a member.
    pub async fn load_delta(
        self,
        me: UserId,
        id: ConversationId,
        after: i64,
    ) -> Result<ConversationDelta> {
        let tx = self.db.snapshot().await?;
        let rest = "WHERE p.conversation_id = $1 AND p.user_id = $2";
        let bounds = history_bounds_sql(self.db.backend());
        let found = load_views_with(&tx, rest, Some(&bounds), [id.into(), me.into()]).await?;
        let (row, views) = found.ok_or_else(StoreError::not_found)?;
        let bounds = json_rows::parse_column::<HistoryBounds>(&row, EXTRA_COLUMN)?
            .into_iter()
            .next();
        let (Some((_, view)), Some(bounds)) = (views.into_iter().next(), bounds) else {
            return Err(StoreError::not_found());
        };
        let (changed, messages) = load_changes(tx, id, &bounds, after, view.version).await?;
        let is_cut = changed.len() > CHANGES_READ_MAX;
        let first = ChangedSeq::first_batch(changed.iter().copied());
        let is_first = |message: &Message| !is_cut && first.contains(&message.seq);
        let messages = messages.into_iter().filter(is_first).collect();
        Ok(ConversationDelta {
            view,
            ceiling: bounds.ceiling,
            changed,
            is_cut,
            messages,
        })
    }

    /// Returns a user's view of these messages, by `seq`, without those that
    /// changed after the version `up_to`.
    pub async fn load_messages(
        self,
        me: UserId,
        id: ConversationId,
        seqs: &[i64],
        up_to: i64,
    ) -> Result<Vec<Message>> {
        messages::load_unchanged(self.db.reader(), id, me, seqs, up_to).await
    }
}

/// Returns a query for the conversations in the JSON array of ids `$2`, and for
/// the newest of the others whose last activity isn't earlier than `$3`.
fn resume_sql(backend: DbBackend) -> String {
    let ids = match backend {
        DbBackend::Sqlite => "SELECT value AS id FROM json_each($2)",
        _ => "SELECT CAST(value AS BIGINT) AS id FROM json_array_elements_text(CAST($2 AS JSON))",
    };
    let newest = UNNAMED_MAX + 1;
    let known = format!(
        "FROM named CROSS JOIN participant p CROSS JOIN conversation c \
         WHERE p.user_id = $1 AND p.conversation_id = named.id AND c.id = named.id AND {LISTED} \
         ORDER BY c.id"
    );
    format!(
        "WITH named AS MATERIALIZED ({ids}), unnamed AS MATERIALIZED (SELECT c.id, {LAST_ACTIVITY} AS at \
         FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         WHERE p.user_id = $1 AND {LISTED} AND c.id NOT IN (SELECT id FROM named) \
         AND {LAST_ACTIVITY} >= $3 \
         ORDER BY 2 DESC, c.id DESC LIMIT {newest}) SELECT ({}) AS named, ({}) AS unnamed",
        json_rows::sql(
            backend,
            &VisibleVersionColumns {
                id: "c.id",
                version: VISIBLE_VERSION,
                ceiling: "c.version",
            }
            .list(),
            &known
        ),
        json_rows::sql(backend, "id", "FROM unnamed ORDER BY at DESC, id DESC"),
    )
}

json_row! {
    /// The part of a history that a user sees.
    struct HistoryBounds of HistoryBoundsColumns {
        ceiling: i64,
        joined_seq: i64,
        left_seq: Option<i64>,
        left_version: Option<i64>,
        /// The version in which the first visible message was posted. No visible
        /// message has an earlier one.
        earliest: i64,
    }
}

fn history_bounds_sql(backend: DbBackend) -> String {
    let earliest = "COALESCE((SELECT f.posted_version FROM message f \
         WHERE f.conversation_id = p.conversation_id AND f.seq = p.joined_seq + 1), 0)";
    let columns = HistoryBoundsColumns {
        ceiling: "c.version",
        joined_seq: "p.joined_seq",
        left_seq: "p.left_seq",
        left_version: "p.left_version",
        earliest,
    };
    let from = "FROM participant p JOIN conversation c ON c.id = p.conversation_id \
                WHERE p.conversation_id = $1 AND p.user_id = $2";
    json_rows::sql(backend, &columns.list(), from)
}

/// Returns the messages that changed after one version and up to another, with
/// at most one more than [`CHANGES_READ_MAX`]. Also returns the first of them,
/// at least as many as one read takes. It reads new and changed messages from
/// the first visible one on. This is the last statement of the transaction.
async fn load_changes(
    tx: StoreTransaction,
    id: ConversationId,
    bounds: &HistoryBounds,
    after: i64,
    up_to: i64,
) -> Result<(Vec<ChangedSeq>, Vec<Message>)> {
    let backend = tx.get_database_backend();
    let theirs = messages::changed_messages_sql(
        "m.id, m.seq, CAST(length(m.text) AS BIGINT) AS length",
        CHANGES_READ_MAX + 1,
    );
    let first = format!("SELECT id FROM changed ORDER BY seq LIMIT {READ_MAX}");
    let seen = messages::ReaderSql {
        joined: "$3",
        left: "$6",
    };
    let changed = ChangedSeqColumns {
        seq: "seq",
        length: "length",
    };
    let sql = format!(
        "WITH changed AS MATERIALIZED ({theirs}) SELECT ({}) AS changed, ({}) AS messages",
        json_rows::sql(backend, &changed.list(), "FROM changed ORDER BY seq"),
        messages::messages_sql(
            backend,
            seen,
            &format!("WHERE m.id IN ({first}) ORDER BY m.seq")
        ),
    );
    let after = after.max(bounds.earliest - 1);
    let left = bounds.left_version.unwrap_or(i64::MAX);
    // If a message changed before a former member left, it may have changed
    // again since, so its present version has no upper limit.
    let up_to = if bounds.left_version.is_some_and(|left| after < left) {
        i64::MAX
    } else {
        up_to
    };
    let values = [
        id.into(),
        after.into(),
        bounds.joined_seq.into(),
        bounds.left_seq.unwrap_or(i64::MAX).into(),
        up_to.into(),
        left.into(),
    ];
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let Some(row) = tx.commit_after(statement).await?.pop() else {
        return Ok((Vec::new(), Vec::new()));
    };
    Ok((
        json_rows::parse_column(&row, "changed")?,
        messages::parse_messages(&row, "messages")?,
    ))
}
