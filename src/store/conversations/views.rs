//! Conversations as each of their people sees them.

mod people;

use std::collections::HashMap;

use entity::conversation::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use serde::Deserialize;

use super::Store;
use crate::protocol::{Conversation, Message, Participant};
use crate::store::append::sql::{pad, places, places_from};
use crate::store::blocks::Pairs;
use crate::store::database::Database;
use crate::store::{Result, StoreError, messages, piece};
use people::{PEOPLE, PersonRow};

impl Store {
    /// A conversation as a person sees it now.
    ///
    /// # Errors
    /// `not_found` for those never in it.
    pub async fn conversation(&self, me: UserId, id: ConversationId) -> Result<Conversation> {
        let found = self.conversation_for(&[me], id).await?;
        let mine = found.into_iter().next().ok_or_else(StoreError::not_found)?;
        Ok(mine.1)
    }

    /// A conversation as each of these people sees it now; those never in it
    /// are left out. It takes as many queries for one as for a thousand.
    pub async fn conversation_for(
        &self,
        users: &[UserId],
        id: ConversationId,
    ) -> Result<Vec<(UserId, Conversation)>> {
        self.conversation_where(users, id, "TRUE").await
    }

    /// The same, for those of them in whose list it is: who hasn't opened a
    /// conversation of two in which nothing was said yet doesn't know of it.
    pub async fn conversation_listed_for(
        &self,
        users: &[UserId],
        id: ConversationId,
    ) -> Result<Vec<(UserId, Conversation)>> {
        self.conversation_where(users, id, LISTED).await
    }

    async fn conversation_where(
        &self,
        users: &[UserId],
        id: ConversationId,
        condition: &str,
    ) -> Result<Vec<(UserId, Conversation)>> {
        let rest = format!(
            "WHERE p.conversation_id = $1 AND p.user_id IN ({}) AND {condition}",
            places_from(2, users.len())
        );
        let values = users.iter().map(|user| Value::from(*user));
        let values = [Value::from(id)].into_iter().chain(values);
        views(&self.reader, &rest, values).await
    }

    /// The conversations in which messages wait for a person, but for those
    /// that they put away. Read together with others who ask at this moment.
    pub async fn waiting(&self, me: UserId) -> Result<Vec<Waiting>> {
        let db = self.reader.clone();
        let read = move |users| waiting(db.clone(), users);
        Ok(self.asked.waiting.ask(me, read).await?.unwrap_or_default())
    }

    /// Whether somebody has put anything into their archive.
    pub async fn has_archived(&self, me: UserId) -> Result<bool> {
        let sql = "SELECT EXISTS(SELECT 1 FROM participant p \
                   WHERE p.user_id = $1 AND p.archived) AS found";
        let statement = Statement::from_sql_and_values(self.backend(), sql, [me.into()]);
        let row = self.reader.query_one_raw(statement).await?;
        Ok(row.map_or(Ok(false), |row| row.try_get_by_index(0))?)
    }

    /// How many messages wait for a person in all.
    pub async fn total_unread(&self, me: UserId, now: Millis) -> Result<i64> {
        let sql = format!(
            "SELECT CAST(COALESCE(SUM({UNREAD}), 0) AS BIGINT) AS total FROM participant p \
             JOIN conversation c ON c.id = p.conversation_id WHERE p.user_id = $1 \
             AND p.left_seq IS NULL AND NOT p.archived \
             AND (p.muted_until IS NULL OR p.muted_until <= $2)"
        );
        let statement =
            Statement::from_sql_and_values(self.backend(), sql, [me.into(), now.into()]);
        let row = self.reader.query_one_raw(statement).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
    }
}

async fn waiting(db: Database, mut users: Vec<UserId>) -> Result<HashMap<UserId, Vec<Waiting>>> {
    pad(&mut users);
    // Counted first: with the condition at the join, PostgreSQL takes reading
    // all conversations for cheaper than looking theirs up.
    let sql = format!(
        "WITH waiting AS MATERIALIZED (SELECT p.user_id, c.id AS conversation, \
         p.muted_until, {UNREAD} AS count FROM participant p \
         JOIN conversation c ON c.id = p.conversation_id WHERE p.user_id IN ({}) \
         AND p.left_seq IS NULL AND NOT p.archived) {}",
        places(users.len()),
        piece::sql(
            db.get_database_backend(),
            "user_id, conversation, count, muted_until",
            "FROM waiting WHERE count > 0"
        )
    );
    let users = users.into_iter().map(Value::from);
    let mut found = HashMap::<_, Vec<_>>::new();
    for row in piece::read::<WaitingRow>(&db, sql, users).await? {
        let (user, conversation, count, muted_until) = row;
        found.entry(user).or_default().push(Waiting {
            conversation,
            count,
            muted_until: muted_until.map(Millis),
        });
    }
    Ok(found)
}

/// Whose, which conversation, how many messages, and until when it is muted.
type WaitingRow = (UserId, ConversationId, i64, Option<i64>);

/// What waits for a person in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub conversation: ConversationId,
    pub count: i64,
    pub muted_until: Option<Millis>,
}

/// Text messages after the read marker, without the deleted ones. Of a former
/// member, up to the last message of their membership.
pub(crate) const UNREAD: &str = "CASE WHEN p.left_seq IS NULL THEN c.last_ord ELSE COALESCE( \
     (SELECT l.ord FROM message l WHERE l.conversation_id = c.id AND l.seq = p.left_seq), 0) END \
     - p.read_ord - p.unread_deleted";

/// When something last happened there, as far as one may know.
pub(super) const AT: &str = "CASE WHEN p.left_seq IS NULL THEN COALESCE(c.last_message_at, c.created_at) \
     ELSE COALESCE((SELECT l.created_at FROM message l \
     WHERE l.conversation_id = c.id AND l.seq = p.left_seq), c.created_at) END";

/// The id of the newest message that a user sees there.
pub(super) const LAST_MESSAGE: &str = "CASE WHEN p.left_seq IS NULL THEN c.last_message_id ELSE \
     (SELECT l.id FROM message l WHERE l.conversation_id = c.id AND l.seq = p.left_seq) END";

/// Up to which version they may know of it: who left, up to the leaving, and to
/// what changed for them since.
pub(super) const KNOWN: &str = "CASE WHEN p.left_seq IS NULL THEN c.version ELSE p.version END";

/// One without messages is listed only for who opened it.
pub(super) const LISTED: &str = "(c.last_seq > 0 OR c.opened_by = p.user_id)";

#[derive(Deserialize)]
pub(super) struct Row {
    user_id: UserId,
    id: ConversationId,
    #[serde(deserialize_with = "piece::choice")]
    kind: Kind,
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
    #[serde(deserialize_with = "piece::flag")]
    archived: bool,
    #[serde(deserialize_with = "piece::flag")]
    pinned: bool,
    unread: i64,
}

/// What of conversations whoever looks at them sees, and by which columns of
/// participants `p` and conversations `c`.
const SEEN: [(&str, &str); 18] = [
    ("user_id", "p.user_id"),
    ("id", "c.id"),
    ("kind", "c.kind"),
    (
        "title",
        "CASE WHEN p.left_seq IS NULL THEN c.title ELSE p.left_title END",
    ),
    ("participant_count", "c.participant_count"),
    ("delivered_low", "c.delivered_low"),
    ("read_low", "c.read_low"),
    ("last_message_id", LAST_MESSAGE),
    ("last_seq", "c.last_seq"),
    ("version", KNOWN),
    ("created_at", "c.created_at"),
    ("joined_seq", "p.joined_seq"),
    ("left_seq", "p.left_seq"),
    ("left_version", "p.left_version"),
    ("muted_until", "p.muted_until"),
    ("archived", "p.archived"),
    ("pinned", "p.pinned"),
    ("unread", UNREAD),
];

fn named(columns: &[(&str, &str)]) -> String {
    let columns = columns.iter();
    let columns: Vec<String> = columns
        .map(|(name, it)| format!("{it} AS {name}"))
        .collect();
    columns.join(", ")
}

fn names(columns: &[(&str, &str)]) -> String {
    let columns: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    columns.join(", ")
}

/// Conversations as those who look at them see them, with their people and
/// their newest messages. `rest` says whose and which. It takes one statement,
/// which is a snapshot by itself, for any number of them.
pub(super) async fn views(
    db: &impl ConnectionTrait,
    rest: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Seen>> {
    let found = look(db, (rest, None), values).await?;
    Ok(found.map_or_else(Vec::new, |(_, views)| views))
}

/// Where what else is asked stands in the answer.
pub(super) const AFTER_VIEWS: usize = 4;

/// A conversation as somebody sees it.
type Seen = (UserId, Conversation);

/// The same, with one more piece asked for in the same statement.
pub(super) async fn look(
    db: &impl ConnectionTrait,
    (rest, more): (&str, Option<&str>),
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<(QueryResult, Vec<Seen>)>> {
    let backend = db.get_database_backend();
    let sql = sql(backend, rest, more.unwrap_or("NULL"));
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let Some(found) = db.query_one_raw(statement).await? else {
        return Ok(None);
    };
    let (rows, people): (Vec<Row>, Vec<PersonRow>) = (piece::of(&found)?, piece::at(&found, 1)?);
    let newest = messages::newest_at(&found, 2)?;
    let apart = Pairs::at(&found, 3)?;
    let views = rows
        .into_iter()
        .map(|row| {
            let newest = newest.iter().find(|(left_version, message)| {
                Some(message.id) == row.last_message_id && *left_version == row.left_version
            });
            let last_message = newest.map(|(_, message)| {
                let unquoted = message.without_unseen_quote(row.joined_seq);
                unquoted.unwrap_or_else(|| message.clone())
            });
            let participants = people
                .iter()
                .filter(|person| person.is_seen_in(&row))
                .map(|person| person.seen_by(&row, &apart))
                .collect();
            (
                row.user_id,
                row.into_conversation(participants, last_message),
            )
        })
        .collect();
    Ok(Some((found, views)))
}

fn sql(backend: DbBackend, rest: &str, more: &str) -> String {
    format!(
        "WITH seen AS MATERIALIZED (SELECT {} FROM participant p \
         JOIN conversation c ON c.id = p.conversation_id {rest}), \
         people AS MATERIALIZED ({}) \
         SELECT ({}), ({}), ({}), ({}), ({more})",
        named(&SEEN),
        people::sql(),
        piece::sql(backend, &names(&SEEN), "FROM seen"),
        piece::sql(backend, &names(&PEOPLE), "FROM people"),
        messages::newest_sql(backend),
        Pairs::sql(backend, "seen", "people"),
    )
}

impl Row {
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
