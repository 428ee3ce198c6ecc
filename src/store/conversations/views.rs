//! Conversations as each of their people sees them.

use entity::conversation::Kind;
use entity::participant::Role;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use super::Store;
use crate::protocol::{Conversation, Message, Participant, User};
use crate::store::append::sql::{places, places_from};
use crate::store::blocks::Pairs;
use crate::store::{Result, StoreError, blocks, messages};

/// Above this many people, a conversation names only oneself and the owner.
const NAMES_ALL_UP_TO: i32 = 100;

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
        let tx = self.snapshot().await?;
        let rest = format!(
            "WHERE p.conversation_id = $1 AND p.user_id IN ({})",
            places_from(2, users.len())
        );
        let values = users.iter().map(|user| Value::from(*user));
        let values = [Value::from(id)].into_iter().chain(values);
        let rows = select(&tx, &rest, values).await?;
        let found = views(&tx, rows).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// A page of a person's conversations: pinned ones, then most recent
    /// first.
    pub async fn conversations(
        &self,
        me: UserId,
        after: Option<ListCursor>,
        limit: u64,
    ) -> Result<Vec<Conversation>> {
        let tx = self.snapshot().await?;
        let limit = Value::from(i64::try_from(limit).unwrap_or(i64::MAX));
        let order = format!("ORDER BY p.pinned DESC, {AT} DESC, c.id DESC");
        let rows = match after {
            None => {
                let rest = format!("WHERE p.user_id = $1 AND {LISTED} {order} LIMIT $2");
                select(&tx, &rest, [me.into(), limit]).await?
            }
            Some(cursor) => {
                let rest = format!(
                    "WHERE p.user_id = $1 AND {LISTED} AND \
                     (CASE WHEN p.pinned THEN 1 ELSE 0 END, {AT}, c.id) < ($2, $3, $4) \
                     {order} LIMIT $5"
                );
                let pinned = i64::from(cursor.pinned);
                let place = [pinned.into(), cursor.at.into(), cursor.id.into()];
                let values = [me.into()].into_iter().chain(place).chain([limit]);
                select(&tx, &rest, values).await?
            }
        };
        let found = views(&tx, rows).await?;
        tx.commit().await?;
        Ok(found.into_iter().map(|(_, found)| found).collect())
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

/// Where a page of a person's list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCursor {
    pub pinned: bool,
    pub at: Millis,
    pub id: ConversationId,
}

impl From<&Conversation> for ListCursor {
    fn from(conversation: &Conversation) -> Self {
        let newest = conversation.last_message.as_ref();
        Self {
            pinned: conversation.pinned,
            at: newest.map_or(conversation.created_at, |message| message.created_at),
            id: conversation.id,
        }
    }
}

/// Text messages after one's read mark, less the withdrawn ones, which a
/// partial index counts. Who left counts up to there.
const UNREAD: &str = "CASE WHEN p.left_seq IS NULL THEN c.last_ord ELSE COALESCE( \
     (SELECT l.ord FROM message l WHERE l.conversation_id = c.id AND l.seq = p.left_seq), 0) END \
     - p.read_ord - (SELECT COUNT(*) FROM message w WHERE w.conversation_id = c.id \
     AND w.ord > p.read_ord AND w.deleted_at IS NOT NULL \
     AND (p.left_seq IS NULL OR w.seq <= p.left_seq))";

/// When something last happened there, as far as one may know.
const AT: &str = "CASE WHEN p.left_seq IS NULL THEN COALESCE(c.last_message_at, c.created_at) \
     ELSE COALESCE((SELECT l.created_at FROM message l \
     WHERE l.conversation_id = c.id AND l.seq = p.left_seq), c.created_at) END";

/// One without messages is listed only for who opened it.
const LISTED: &str = "(c.last_seq > 0 OR c.opened_by = p.user_id)";

#[derive(FromQueryResult)]
struct Row {
    user_id: UserId,
    id: ConversationId,
    kind: Kind,
    title: Option<String>,
    participant_count: i32,
    delivered_low: i64,
    read_low: i64,
    last_message_id: Option<MessageId>,
    last_seq: i64,
    version: i64,
    created_at: Millis,
    left_seq: Option<i64>,
    left_version: Option<i64>,
    muted_until: Option<Millis>,
    archived: bool,
    pinned: bool,
    unread: i64,
}

async fn select(
    db: &impl ConnectionTrait,
    rest: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Row>> {
    let sql = format!(
        "SELECT p.user_id, c.id, c.kind, c.title, c.participant_count, c.delivered_low, \
         c.read_low, CASE WHEN p.left_seq IS NULL THEN c.last_message_id ELSE \
         (SELECT l.id FROM message l WHERE l.conversation_id = c.id AND l.seq = p.left_seq) \
         END AS last_message_id, c.last_seq, c.version, c.created_at, \
         p.left_seq, p.left_version, p.muted_until, p.archived, p.pinned, {UNREAD} AS unread \
         FROM participant p JOIN conversation c ON c.id = p.conversation_id {rest}"
    );
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(Row::find_by_statement(statement).all(db).await?)
}

/// Completes rows with their people and newest messages: a few queries for
/// any number of them.
async fn views(db: &impl ConnectionTrait, rows: Vec<Row>) -> Result<Vec<(UserId, Conversation)>> {
    let mut newest: Vec<MessageId> = rows.iter().filter_map(|row| row.last_message_id).collect();
    newest.sort_unstable();
    newest.dedup();
    let people = people(db, &rows).await?;
    let viewers = rows.iter().map(|row| row.user_id);
    let named = people.iter().map(|person| person.user_id);
    let apart = blocks::pairs(db, viewers.collect(), named.collect()).await?;
    let newest = messages::by_ids(db, &newest).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let last_message = newest
                .iter()
                .find(|message| Some(message.id) == row.last_message_id);
            let participants = people
                .iter()
                .filter(|person| person.is_seen_in(&row))
                .map(|person| person.seen_by(row.user_id, &apart))
                .collect();
            (
                row.user_id,
                row.into_conversation(participants, last_message.cloned()),
            )
        })
        .collect())
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
            version: self.left_version.unwrap_or(self.version),
            unread_count: self.unread,
            muted_until: self.muted_until,
            archived: self.archived,
            pinned: self.pinned,
            left: self.left_seq.is_some(),
            created_at: self.created_at,
        }
    }
}

#[derive(FromQueryResult)]
struct PersonRow {
    conversation_id: ConversationId,
    role: Role,
    has_left: bool,
    delivered_seq: i64,
    read_seq: i64,
    user_id: UserId,
    username: String,
    display_name: String,
    is_online: Option<bool>,
    last_seen: Option<Millis>,
}

impl PersonRow {
    /// Who has left sees nobody but themselves: who came later is none of
    /// theirs.
    fn is_seen_in(&self, row: &Row) -> bool {
        let is_me = self.user_id == row.user_id;
        let is_named = row.participant_count <= NAMES_ALL_UP_TO || self.role == Role::Owner;
        self.conversation_id == row.id
            && (is_me || (row.left_seq.is_none() && !self.has_left && is_named))
    }
}

async fn people(db: &impl ConnectionTrait, rows: &[Row]) -> Result<Vec<PersonRow>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<ConversationId> = rows.iter().map(|row| row.id).collect();
    let mut viewers: Vec<UserId> = rows.iter().map(|row| row.user_id).collect();
    ids.sort_unstable();
    ids.dedup();
    viewers.sort_unstable();
    viewers.dedup();
    let owner = Role::Owner as i16;
    let sql = format!(
        "SELECT p.conversation_id, p.role, p.left_seq IS NOT NULL AS has_left, \
         p.delivered_seq, p.read_seq, p.user_id, \
         u.username, u.display_name, s.is_online, s.last_seen \
         FROM participant p JOIN conversation c ON c.id = p.conversation_id \
         JOIN \"user\" u ON u.id = p.user_id LEFT JOIN user_status s ON s.user_id = p.user_id \
         WHERE p.conversation_id IN ({}) AND (p.user_id IN ({}) OR (p.left_seq IS NULL \
         AND (c.participant_count <= {NAMES_ALL_UP_TO} OR p.role = {owner}))) \
         ORDER BY p.conversation_id, p.joined_at, p.user_id",
        places(ids.len()),
        places_from(ids.len() + 1, viewers.len()),
    );
    let ids = ids.into_iter().map(Value::from);
    let values = ids.chain(viewers.into_iter().map(Value::from));
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(PersonRow::find_by_statement(statement).all(db).await?)
}

impl PersonRow {
    /// Neither of two people sees the other's status where one blocks the
    /// other.
    fn seen_by(&self, viewer: UserId, apart: &Pairs) -> Participant {
        let is_told = !apart.has(viewer, self.user_id);
        Participant {
            user: User {
                id: self.user_id,
                username: self.username.clone(),
                display_name: self.display_name.clone(),
            },
            role: self.role,
            delivered_seq: self.delivered_seq,
            read_seq: self.read_seq,
            // Who was never here has no row yet.
            is_online: is_told.then(|| self.is_online.unwrap_or(false)),
            last_seen: self.last_seen.filter(|_| is_told),
        }
    }
}
