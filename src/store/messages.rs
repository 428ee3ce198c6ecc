//! Messages in their present state, as clients see them.

mod changes;
mod pages;
mod reactions;
mod reader_sql;
mod receipts;

use entity::message::{MessageKind, StatusCeiling};
use entity::receipt::ReceiptKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{
    ActiveEnum, ConnectionTrait, DbBackend, DbErr, FromQueryResult, QueryResult, Statement, Value,
};
use serde_json::value::RawValue;

use crate::protocol::{Message, MessageQuote, MessageStatus, User};
use crate::store::db::json_rows::{self, JsonColumns, json_row};
use crate::store::db::{Db, Result, sql};

pub(super) use changes::{LAST_SEQ_BEFORE, QUOTING_MAX, changed_messages_sql, load_changed};
pub use pages::{HistoryAnchor, HistoryReader, HistorySlice, HistoryWindow, PAGE_BYTES};
pub(super) use reader_sql::ReaderSql;
pub use receipts::ReceiptListQuery;

/// The histories of conversations: messages and their receipts.
#[derive(Clone, Copy)]
pub struct HistoryRepository<'a> {
    db: &'a Db,
}

impl<'a> HistoryRepository<'a> {
    /// Creates a repository on these connections.
    pub(in crate::store) fn new(db: &'a Db) -> Self {
        Self { db }
    }
}

/// Returns these messages as a member or former member sees them, by `seq`,
/// without those that changed after the version `up_to`.
pub(super) async fn load_unchanged(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    reader: UserId,
    seqs: &[i64],
    up_to: i64,
) -> Result<Vec<Message>> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let places = sql::placeholders_from(4, seqs.len());
    let values = [conversation.into(), reader.into(), up_to.into()];
    let values = values
        .into_iter()
        .chain(seqs.iter().map(|seq| Value::from(*seq)));
    let reader_sql = ReaderSql::OF_PARTICIPANT;
    let rest = format!(
        "CROSS JOIN participant p WHERE p.conversation_id = $1 AND p.user_id = $2 \
         AND m.conversation_id = $1 AND {version} <= $3 AND m.seq IN ({places}) ORDER BY m.seq",
        version = reader_sql.version()
    );
    select_messages(db, reader_sql, &rest, values).await
}

/// Returns the messages with these ids, in no order.
pub(super) async fn load_by_ids(
    db: &impl ConnectionTrait,
    ids: &[MessageId],
) -> Result<Vec<Message>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rest = format!("WHERE m.id IN ({})", sql::placeholders(ids.len()));
    let values = ids.iter().map(|id| Value::from(*id));
    select_messages(db, ReaderSql::WHOLE, &rest, values).await
}

/// Returns the messages with these ids as their senders see them.
pub(super) async fn load_for_senders(
    db: &impl ConnectionTrait,
    ids: &[MessageId],
) -> Result<Vec<Message>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rest = format!(
        "LEFT JOIN participant p ON p.conversation_id = m.conversation_id \
         AND p.user_id = m.sender_id WHERE m.id IN ({})",
        sql::placeholders(ids.len())
    );
    let values = ids.iter().map(|id| Value::from(*id));
    select_messages(db, ReaderSql::OF_PARTICIPANT_IF_ANY, &rest, values).await
}

/// Returns the columns of a message as a reader sees it. A message was
/// delivered or read when the first receipt of a watermark reached it. The
/// query looks for this receipt only if the watermark has passed the message.
/// If both watermarks rose at once, only `read` was stored.
fn message_columns(backend: DbBackend, reader_sql: ReaderSql<'_>) -> String {
    let columns = MessageColumns {
        id: "m.id",
        conversation_id: "m.conversation_id",
        seq: "m.seq",
        version: &reader_sql.version(),
        own_version: &reader_sql.own_version(),
        posted_version: "m.posted_version",
        kind: "m.kind",
        text: &reader_sql.text(),
        event: "m.event",
        client_id: "m.client_id",
        furthest: "m.furthest",
        created_at: "m.created_at",
        edited_at: &reader_sql.edited_at(),
        deleted_at: "m.deleted_at",
        sender_id: "m.sender_id",
        username: "u.username",
        display_name: "u.display_name",
        delivered_low: "c.delivered_low",
        read_low: "c.read_low",
        delivered_at: &passed_at_sql("c.delivered_low", ReceiptKind::Delivered),
        read_at: &passed_at_sql("c.read_low", ReceiptKind::Read),
        quoted_id: "o.id",
        quoted_seq: "o.seq",
        quoted_text: &reader_sql.quoted_text(QUOTE_MAX),
        quoted_sender_id: "o.sender_id",
        quoted_username: "w.username",
        quoted_display_name: "w.display_name",
        reactions: &reactions::reactions_sql(backend, reader_sql),
    };
    columns.list()
}

fn passed_at_sql(low: &str, kind: ReceiptKind) -> String {
    let kind = kind.to_value();
    format!(
        "CASE WHEN {low} >= m.seq THEN \
         (SELECT r.at FROM receipt r WHERE r.conversation_id = m.conversation_id \
         AND r.kind = {kind} AND r.user_id IS NULL AND r.up_to_seq >= m.seq \
         ORDER BY r.up_to_seq LIMIT 1) END"
    )
}

/// The joined tables of a message `m`.
const JOINED: &str = r#"JOIN "user" u ON u.id = m.sender_id
LEFT JOIN message o ON o.id = m.reply_to LEFT JOIN "user" w ON w.id = o.sender_id "#;

json_row! {
    struct MessageRow of MessageColumns {
        id: MessageId,
        conversation_id: ConversationId,
        seq: i64,
        version: i64,
        own_version: i64,
        posted_version: i64,
        #[serde(deserialize_with = "json_rows::choice")]
        kind: MessageKind,
        text: String,
        event: Option<String>,
        client_id: Option<String>,
        #[serde(deserialize_with = "json_rows::choice")]
        furthest: StatusCeiling,
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
}

json_row! {
    /// The newest message of a conversation. A former member left it in this
    /// version.
    struct NewestMessageRow of NewestMessageColumns {
        left_version: Option<i64>,
        message: MessageRow,
    }
}

/// Returns SQL for messages as a reader sees them, as one JSON text. `rest`
/// follows the tables.
pub(super) fn messages_sql(backend: DbBackend, reader_sql: ReaderSql<'_>, rest: &str) -> String {
    let rest =
        format!("FROM message m {JOINED} JOIN conversation c ON c.id = m.conversation_id {rest}");
    json_rows::sql(backend, &message_columns(backend, reader_sql), &rest)
}

/// Returns SQL for the newest messages of the conversations `seen`. A former
/// member's messages are as of the version in which the member left.
pub(super) fn newest_sql(backend: DbBackend) -> String {
    let reader_sql = ReaderSql {
        left: "COALESCE(known.left_version, 9223372036854775807)",
        ..ReaderSql::WHOLE
    };
    let array = match backend {
        DbBackend::Sqlite => "json_array",
        _ => "json_build_array",
    };
    let columns = NewestMessageColumns {
        left_version: "known.left_version",
        message: &format!("{array}({})", message_columns(backend, reader_sql)),
    };
    let rest = format!(
        "FROM (SELECT DISTINCT last_message_id, left_version FROM seen) known \
         CROSS JOIN message m {JOINED} JOIN conversation c ON c.id = m.conversation_id \
         WHERE m.id = known.last_message_id"
    );
    json_rows::sql(backend, &columns.list(), &rest)
}

/// Reads the result of [`newest_sql`] from a JSON column.
pub(super) fn parse_newest(row: &QueryResult, column: &str) -> Result<Vec<(Option<i64>, Message)>> {
    let rows: Vec<NewestMessageRow> = json_rows::parse_column(row, column)?;
    let messages = rows
        .into_iter()
        .map(|row| Ok::<_, DbErr>((row.left_version, row.message.into_message()?)));
    Ok(messages.collect::<std::result::Result<_, _>>()?)
}

/// Reads messages from a JSON column.
pub(super) fn parse_messages(row: &QueryResult, column: &str) -> Result<Vec<Message>> {
    into_messages(json_rows::parse_column(row, column)?)
}

async fn select_messages(
    db: &impl ConnectionTrait,
    reader_sql: ReaderSql<'_>,
    rest: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Message>> {
    let sql = messages_sql(db.get_database_backend(), reader_sql, rest);
    into_messages(json_rows::query_sql(db, sql, values).await?)
}

fn into_messages(rows: Vec<MessageRow>) -> Result<Vec<Message>> {
    let messages = rows.into_iter().map(MessageRow::into_message);
    Ok(messages.collect::<std::result::Result<_, _>>()?)
}

impl MessageRow {
    fn take_quote(&mut self) -> Option<MessageQuote> {
        Some(MessageQuote {
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
        let reply_to = self.take_quote();
        let reached = match self.seq {
            seq if seq <= self.read_low => MessageStatus::Read,
            seq if seq <= self.delivered_low => MessageStatus::Delivered,
            _ => MessageStatus::Sent,
        };
        let status = reached.min(match self.furthest {
            StatusCeiling::Sent => MessageStatus::Sent,
            StatusCeiling::Delivered => MessageStatus::Delivered,
            StatusCeiling::Read => MessageStatus::Read,
        });
        let created_at = Millis(self.created_at);
        // No time is before that of the message, even if the clock was set
        // back.
        let not_before = |at: i64| Millis(at).max(created_at);
        let read_at = self
            .read_at
            .map(not_before)
            .filter(|_| status == MessageStatus::Read);
        // Reading implies delivery, at the same time if there is no earlier
        // one.
        let delivered_at = [self.delivered_at.map(not_before), read_at]
            .into_iter()
            .flatten()
            .min()
            .filter(|_| status != MessageStatus::Sent);
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
            reactions: reactions::parse_reactions(self.reactions.as_deref())?,
            created_at,
            edited_at: self.edited_at.map(not_before),
            deleted: self.deleted_at.is_some(),
            status,
            delivered_at,
            is_read: status == MessageStatus::Read,
            read_at,
            is_changed: self.version > self.posted_version,
            own_version: self.own_version,
            posted_version: self.posted_version,
        })
    }
}

/// The maximum length of a quote in characters. Full quotes would let short
/// replies weigh as much as the longest message.
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

/// A quote and the conversation of its original.
pub(super) struct QuotableMessage {
    pub(super) conversation: ConversationId,
    pub(super) quote: MessageQuote,
}

/// Returns the quotes of the messages with these ids.
pub(super) async fn load_quotable(
    db: &impl ConnectionTrait,
    ids: &[MessageId],
) -> Result<Vec<QuotableMessage>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT m.id, m.conversation_id, m.seq, substr(m.text, 1, {QUOTE_MAX}) AS text, \
         m.sender_id, u.username, u.display_name FROM message m JOIN \"user\" u ON u.id = m.sender_id WHERE m.id IN ({})",
        sql::placeholders(ids.len())
    );
    let values = ids.iter().map(|id| Value::from(*id));
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = QuoteRow::find_by_statement(statement).all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| QuotableMessage {
            conversation: row.conversation_id,
            quote: MessageQuote {
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
