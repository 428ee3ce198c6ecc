//! History: messages in their present state, as clients see them.

mod changes;
mod pages;
mod reactions;
mod receipts;
mod sight;

use entity::message::{Furthest, Kind};
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, QueryResult, Statement, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Result, piece};
use crate::protocol::{Message, Quote, Status, User};

pub(super) use changes::{LAST_BEFORE, QUOTING_TOLD, changed, sql as changed_sql};
pub use pages::{PAGE_BYTES, Page, PageRequest, View};
pub use receipts::ReceiptsRequest;
pub(super) use sight::SightSql;

/// The messages at these places as a member or former member sees them, in the
/// order of `seq`; but for those that changed after the version `up_to`.
pub(super) async fn unchanged(
    db: &impl ConnectionTrait,
    (conversation, reader): (ConversationId, UserId),
    seqs: &[i64],
    up_to: i64,
) -> Result<Vec<Message>> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let places = super::append::sql::places_from(4, seqs.len());
    let values = [conversation.into(), reader.into(), up_to.into()];
    let values = values
        .into_iter()
        .chain(seqs.iter().map(|seq| Value::from(*seq)));
    let sight = SightSql::OF_PARTICIPANT;
    let rest = format!(
        "CROSS JOIN participant p WHERE p.conversation_id = $1 AND p.user_id = $2 \
         AND m.conversation_id = $1 AND {version} <= $3 AND m.seq IN ({places}) ORDER BY m.seq",
        version = sight.version()
    );
    select(db, (sight, &rest), values).await
}

/// The messages with these ids, in no order.
pub(super) async fn by_ids(db: &impl ConnectionTrait, ids: &[MessageId]) -> Result<Vec<Message>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rest = format!("WHERE m.id IN ({})", super::append::sql::places(ids.len()));
    let values = ids.iter().map(|id| Value::from(*id));
    select(db, (SightSql::WHOLE, &rest), values).await
}

/// The messages with these ids as their senders see them.
pub(super) async fn by_senders(
    db: &impl ConnectionTrait,
    ids: &[MessageId],
) -> Result<Vec<Message>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rest = format!(
        "LEFT JOIN participant p ON p.conversation_id = m.conversation_id \
         AND p.user_id = m.sender_id WHERE m.id IN ({})",
        super::append::sql::places(ids.len())
    );
    let values = ids.iter().map(|id| Value::from(*id));
    select(db, (SightSql::OF_PARTICIPANT_IF_ANY, &rest), values).await
}

/// Everything a message is made of, as a reader sees it. When a mark passed a
/// message is the first move that came that far; it is looked for only where
/// one did. Where both marks moved at once, only `read` was written down.
fn columns(backend: DbBackend, sight: SightSql<'_>) -> String {
    format!(
        "m.id, m.conversation_id, m.seq, {version}, {own_version}, m.posted_version, m.kind, \
         {text}, m.event, m.client_id, m.furthest, m.created_at, {edited_at}, m.deleted_at, \
         m.sender_id, u.username, u.display_name, c.delivered_low, c.read_low, \
         {delivered}, {read}, o.id, o.seq, {quoted}, o.sender_id, w.username, \
         w.display_name, {reactions}",
        version = sight.version(),
        own_version = sight.own_version(),
        text = sight.text(),
        edited_at = sight.edited_at(),
        delivered = passed("c.delivered_low", 0),
        read = passed("c.read_low", 1),
        quoted = sight.quoted_text(QUOTE_MAX),
        reactions = reactions::of_each(backend, sight),
    )
}

fn passed(low: &str, kind: i16) -> String {
    format!(
        "CASE WHEN {low} >= m.seq THEN \
         (SELECT r.at FROM receipt r WHERE r.conversation_id = m.conversation_id \
         AND r.kind = {kind} AND r.user_id IS NULL AND r.up_to_seq >= m.seq \
         ORDER BY r.up_to_seq LIMIT 1) END"
    )
}

/// What the columns of a message `m` come from beside it.
const JOINED: &str = r#"JOIN "user" u ON u.id = m.sender_id
LEFT JOIN message o ON o.id = m.reply_to LEFT JOIN "user" w ON w.id = o.sender_id "#;

/// The fields are in the order of [`columns`].
#[derive(Deserialize)]
struct Row {
    id: MessageId,
    conversation_id: ConversationId,
    seq: i64,
    version: i64,
    own_version: i64,
    posted_version: i64,
    #[serde(deserialize_with = "piece::choice")]
    kind: Kind,
    text: String,
    event: Option<String>,
    client_id: Option<String>,
    #[serde(deserialize_with = "piece::choice")]
    furthest: Furthest,
    created_at: i64,
    edited_at: Option<i64>,
    deleted_at: Option<i64>,
    sender_id: UserId,
    username: String,
    display_name: String,
    delivered_low: i64,
    read_low: i64,
    delivered_at: Option<i64>,
    read_at: Option<i64>,
    quoted_id: Option<MessageId>,
    quoted_seq: Option<i64>,
    quoted_text: Option<String>,
    quoted_sender_id: Option<UserId>,
    quoted_username: Option<String>,
    quoted_display_name: Option<String>,
    reactions: Option<String>,
}

/// A statement that answers messages as a reader sees them in one piece;
/// `rest` is what stands behind their tables.
pub(super) fn sql(backend: DbBackend, (sight, rest): (SightSql<'_>, &str)) -> String {
    let rest =
        format!("FROM message m {JOINED} JOIN conversation c ON c.id = m.conversation_id {rest}");
    piece::sql(backend, &columns(backend, sight), &rest)
}

/// A statement that answers the newest messages of the conversations `seen`, by
/// the version in which a former member left: each as of then.
pub(super) fn newest_sql(backend: DbBackend) -> String {
    let sight = SightSql {
        left: "COALESCE(known.left_version, 9223372036854775807)",
        ..SightSql::WHOLE
    };
    let array = match backend {
        DbBackend::Sqlite => "json_array",
        _ => "json_build_array",
    };
    let columns = format!("known.left_version, {array}({})", columns(backend, sight));
    let rest = format!(
        "FROM (SELECT DISTINCT last_message_id, left_version FROM seen) known \
         CROSS JOIN message m {JOINED} JOIN conversation c ON c.id = m.conversation_id \
         WHERE m.id = known.last_message_id"
    );
    piece::sql(backend, &columns, &rest)
}

/// What [`newest_sql`] answered, in one of several pieces.
pub(super) fn newest_at(row: &QueryResult, place: usize) -> Result<Vec<(Option<i64>, Message)>> {
    let rows: Vec<(Option<i64>, Row)> = piece::at(row, place)?;
    let messages = rows
        .into_iter()
        .map(|(left, row)| Ok::<_, DbErr>((left, row.into_message()?)));
    Ok(messages.collect::<std::result::Result<_, _>>()?)
}

/// The messages in one of several pieces.
pub(super) fn at(row: &QueryResult, place: usize) -> Result<Vec<Message>> {
    messages(piece::at(row, place)?)
}

async fn select(
    db: &impl ConnectionTrait,
    seen: (SightSql<'_>, &str),
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Message>> {
    let sql = sql(db.get_database_backend(), seen);
    messages(piece::read(db, sql, values).await?)
}

fn messages(rows: Vec<Row>) -> Result<Vec<Message>> {
    let messages = rows.into_iter().map(Row::into_message);
    Ok(messages.collect::<std::result::Result<_, _>>()?)
}

impl Row {
    fn quote(&mut self) -> Option<Quote> {
        Some(Quote {
            id: self.quoted_id?,
            seq: self.quoted_seq?,
            sender: User {
                id: self.quoted_sender_id?,
                username: self.quoted_username.take()?,
                display_name: self.quoted_display_name.take()?,
            },
            text: self.quoted_text.take()?,
        })
    }

    fn into_message(mut self) -> std::result::Result<Message, DbErr> {
        let reply_to = self.quote();
        let reached = match self.seq {
            seq if seq <= self.read_low => Status::Read,
            seq if seq <= self.delivered_low => Status::Delivered,
            _ => Status::Sent,
        };
        let status = reached.min(match self.furthest {
            Furthest::Sent => Status::Sent,
            Furthest::Delivered => Status::Delivered,
            Furthest::Read => Status::Read,
        });
        let created_at = Millis(self.created_at);
        // Of a clock that was set back, no time is before the message.
        let not_before = |at: i64| Millis(at).max(created_at);
        let read_at = self
            .read_at
            .map(not_before)
            .filter(|_| status == Status::Read);
        // Reading implies delivery, at the same moment where nothing else says.
        let delivered_at = [self.delivered_at.map(not_before), read_at]
            .into_iter()
            .flatten()
            .min()
            .filter(|_| status != Status::Sent);
        Ok(Message {
            id: self.id,
            conversation_id: self.conversation_id,
            seq: self.seq,
            version: self.version,
            kind: self.kind,
            text: self.text,
            event: self
                .event
                .map(RawValue::from_string)
                .transpose()
                .map_err(|error| DbErr::Json(error.to_string()))?,
            sender: User {
                id: self.sender_id,
                username: self.username,
                display_name: self.display_name,
            },
            client_id: self.client_id,
            reply_to,
            reactions: reactions::read(self.reactions.as_deref())?,
            created_at,
            edited_at: self.edited_at.map(not_before),
            deleted: self.deleted_at.is_some(),
            status,
            delivered_at,
            is_read: status == Status::Read,
            read_at,
            is_touched: self.version > self.posted_version,
            own_version: self.own_version,
            posted_version: self.posted_version,
        })
    }
}

/// A quote holds the first so many characters of its original: whole ones
/// would let short answers weigh as much as the longest message.
pub(super) const QUOTE_MAX: usize = 300;

#[derive(FromQueryResult)]
struct QuoteRow {
    id: MessageId,
    conversation_id: ConversationId,
    seq: i64,
    text: String,
    sender_id: UserId,
    username: String,
    display_name: String,
}

/// A quote, and where its original stands.
pub(super) struct Quotable {
    pub(super) conversation: ConversationId,
    pub(super) quote: Quote,
}

/// What the messages with these ids look like in a quote.
pub(super) async fn quotable(
    db: &impl ConnectionTrait,
    ids: &[MessageId],
) -> Result<Vec<Quotable>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT m.id, m.conversation_id, m.seq, substr(m.text, 1, {QUOTE_MAX}) AS text, \
         m.sender_id, u.username, u.display_name FROM message m JOIN \"user\" u ON u.id = m.sender_id WHERE m.id IN ({})",
        super::append::sql::places(ids.len())
    );
    let values = ids.iter().map(|id| Value::from(*id));
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = QuoteRow::find_by_statement(statement).all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| Quotable {
            conversation: row.conversation_id,
            quote: Quote {
                id: row.id,
                seq: row.seq,
                sender: User {
                    id: row.sender_id,
                    username: row.username,
                    display_name: row.display_name,
                },
                text: row.text,
            },
        })
        .collect())
}
