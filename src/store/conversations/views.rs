//! Conversations as their members see them.

mod participants;

use entity::conversation::ConversationKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use crate::protocol::{Conversation, Message, Participant};
use crate::store::blocked_pairs::BlockedPairs;
use crate::store::conversations::ConversationRepository;
use crate::store::db::json_rows::{self, JsonColumns, json_row};
use crate::store::db::sql::placeholders_from;
use crate::store::db::{Result, StoreError};
use crate::store::messages;
use crate::store::unread::UNREAD;
use participants::{PARTICIPANT_COLUMNS, ParticipantViewRow};

impl ConversationRepository<'_> {
    /// Returns a user's present view of a conversation.
    ///
    /// # Errors
    /// `not_found` if the user never was a member.
    pub async fn load(self, me: UserId, id: ConversationId) -> Result<Conversation> {
        let found = self.load_views(&[me], id).await?;
        let mine = found.into_iter().next().ok_or_else(StoreError::not_found)?;
        Ok(mine.1)
    }

    /// Returns the present views of these users; users who never were members
    /// are left out. It takes one query for any number of users.
    pub async fn load_views(
        self,
        users: &[UserId],
        id: ConversationId,
    ) -> Result<Vec<(UserId, Conversation)>> {
        self.query_conversation_views(users, id, "TRUE").await
    }

    /// Returns the views of those users whose list has the conversation. A
    /// direct conversation without messages is listed only for the user who
    /// opened it.
    pub async fn load_listed_views(
        self,
        users: &[UserId],
        id: ConversationId,
    ) -> Result<Vec<(UserId, Conversation)>> {
        self.query_conversation_views(users, id, LISTED).await
    }

    /// Returns a user's views of these conversations, by id. Conversations in
    /// which the user never was are left out.
    pub async fn list_by_id(self, me: UserId, ids: &[ConversationId]) -> Result<Vec<Conversation>> {
        let rest = format!(
            "WHERE p.user_id = $1 AND p.conversation_id IN ({}) ORDER BY c.id",
            placeholders_from(2, ids.len())
        );
        let values = ids.iter().map(|id| Value::from(*id));
        let values = [me.into()].into_iter().chain(values);
        let found = load_views(self.db.reader(), &rest, values).await?;
        Ok(found.into_iter().map(|(_, view)| view).collect())
    }

    async fn query_conversation_views(
        self,
        users: &[UserId],
        id: ConversationId,
        condition: &str,
    ) -> Result<Vec<(UserId, Conversation)>> {
        let rest = format!(
            "WHERE p.conversation_id = $1 AND p.user_id IN ({}) AND {condition}",
            placeholders_from(2, users.len())
        );
        let values = users.iter().map(|user| Value::from(*user));
        let values = [Value::from(id)].into_iter().chain(values);
        load_views(self.db.reader(), &rest, values).await
    }
}

/// The time of the last activity that the user may see.
pub(super) const LAST_ACTIVITY: &str = "CASE WHEN p.left_seq IS NULL THEN COALESCE(c.last_message_at, c.created_at) \
     ELSE COALESCE((SELECT l.created_at FROM message l \
     WHERE l.conversation_id = c.id AND l.seq = p.left_seq), c.created_at) END";

/// The id of the newest message that the user sees.
pub(super) const LAST_MESSAGE: &str = "CASE WHEN p.left_seq IS NULL THEN c.last_message_id ELSE \
     (SELECT l.id FROM message l WHERE l.conversation_id = c.id AND l.seq = p.left_seq) END";

/// The newest version that the user may see. For a former member, that of
/// leaving or of a later change of a message that they still see.
pub(super) const VISIBLE_VERSION: &str =
    "CASE WHEN p.left_seq IS NULL THEN c.version ELSE p.version END";

/// A conversation without messages is listed only for the user who opened it.
pub(super) const LISTED: &str = "(c.last_seq > 0 OR c.opened_by = p.user_id)";

json_row! {
    pub(super) struct ConversationViewRow of ConversationViewColumns {
        user_id: UserId,
        id: ConversationId,
        #[serde(deserialize_with = "json_rows::choice")]
        kind: ConversationKind,
        title: Option<String>,
        participant_count: i32,
        delivered_low: i64,
        read_low: i64,
        last_message_id: Option<MessageId>,
        last_seq: i64,
        version: i64,
        created_at: i64,
        joined_seq: i64,
        left_seq: Option<i64>,
        left_version: Option<i64>,
        muted_until: Option<i64>,
        #[serde(deserialize_with = "json_rows::flag")]
        archived: bool,
        #[serde(deserialize_with = "json_rows::flag")]
        pinned: bool,
        unread: i64,
    }
}

/// The columns of a view, from participants `p` and conversations `c`.
const VIEW_COLUMNS: ConversationViewColumns<'_> = ConversationViewColumns {
    user_id: "p.user_id",
    id: "c.id",
    kind: "c.kind",
    title: "CASE WHEN p.left_seq IS NULL THEN c.title ELSE p.left_title END",
    participant_count: "c.participant_count",
    delivered_low: "c.delivered_low",
    read_low: "c.read_low",
    last_message_id: LAST_MESSAGE,
    last_seq: "c.last_seq",
    version: VISIBLE_VERSION,
    created_at: "c.created_at",
    joined_seq: "p.joined_seq",
    left_seq: "p.left_seq",
    left_version: "p.left_version",
    muted_until: "p.muted_until",
    archived: "p.archived",
    pinned: "p.pinned",
    unread: UNREAD,
};

/// Returns views of conversations with their participants and newest messages.
/// `rest` selects users and conversations. One statement, which is a snapshot
/// by itself, serves any number of them.
pub(super) async fn load_views(
    db: &impl ConnectionTrait,
    rest: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<ConversationOfUser>> {
    let found = load_views_with(db, rest, None, values).await?;
    Ok(found.map_or_else(Vec::new, |(_, views)| views))
}

/// The column of the additional query in the result.
pub(super) const EXTRA_COLUMN: &str = "extra";

/// A user and their view of a conversation.
type ConversationOfUser = (UserId, Conversation);

/// Returns views, and the row with the result of an additional query.
pub(super) async fn load_views_with(
    db: &impl ConnectionTrait,
    rest: &str,
    more: Option<&str>,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<(QueryResult, Vec<ConversationOfUser>)>> {
    let backend = db.get_database_backend();
    let sql = views_sql(backend, rest, more.unwrap_or("NULL"));
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let Some(found) = db.query_one_raw(statement).await? else {
        return Ok(None);
    };
    let (rows, people): (Vec<ConversationViewRow>, Vec<ParticipantViewRow>) = (
        json_rows::parse_column(&found, "views")?,
        json_rows::parse_column(&found, "participants")?,
    );
    let newest = messages::parse_newest(&found, "newest")?;
    let apart = BlockedPairs::parse_column(&found, "blocks")?;
    let views = rows
        .into_iter()
        .map(|row| {
            let newest = newest.iter().find(|(left_version, message)| {
                Some(message.id) == row.last_message_id && *left_version == row.left_version
            });
            let last_message = newest.map(|(_, message)| {
                let unquoted = message.hide_unseen_quote(row.joined_seq);
                unquoted.unwrap_or_else(|| message.clone())
            });
            let participants = people
                .iter()
                .filter(|person| person.is_visible_in(&row))
                .map(|person| person.participant_view(&row, &apart))
                .collect();
            (
                row.user_id,
                row.into_conversation(participants, last_message),
            )
        })
        .collect();
    Ok(Some((found, views)))
}

fn views_sql(backend: DbBackend, rest: &str, more: &str) -> String {
    format!(
        "WITH seen AS MATERIALIZED (SELECT {} FROM participant p \
         JOIN conversation c ON c.id = p.conversation_id {rest}), \
         people AS MATERIALIZED ({}) \
         SELECT ({views}) AS views, ({participants}) AS participants, ({newest}) AS newest, \
         ({blocks}) AS blocks, ({more}) AS {EXTRA_COLUMN}",
        VIEW_COLUMNS.named_list(),
        participants::participants_sql(),
        views = json_rows::sql(backend, &VIEW_COLUMNS.names(), "FROM seen"),
        participants = json_rows::sql(backend, &PARTICIPANT_COLUMNS.names(), "FROM people"),
        newest = messages::newest_sql(backend),
        blocks = BlockedPairs::sql(backend, "seen", "people"),
    )
}

impl ConversationViewRow {
    fn into_conversation(
        self,
        participants: Vec<Participant>,
        last_message: Option<Message>,
    ) -> Conversation {
        let last_seq = self.left_seq.unwrap_or(self.last_seq);
        Conversation {
            id: self.id,
            kind: self.kind,
            title: self.title,
            participant_count: self.participant_count,
            participants,
            all_delivered_seq: self.delivered_low.min(last_seq),
            all_read_seq: self.read_low.min(last_seq),
            last_message,
            last_seq,
            version: self.version,
            unread_count: self.unread,
            muted_until: self.muted_until.map(Millis),
            archived: self.archived,
            pinned: self.pinned,
            left: self.left_seq.is_some(),
            created_at: Millis(self.created_at),
        }
    }
}
