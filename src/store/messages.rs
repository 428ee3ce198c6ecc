//! History: messages in their present state, as clients see them.

mod reactions;

use entity::message::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, Value};
use serde_json::value::RawValue;

use super::conversations::Window;
use super::{Result, Store};
use crate::protocol::message::Reaction;
use crate::protocol::{Message, Quote, Status, User};

/// Which part of a history is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRequest {
    /// The newest.
    Latest,
    /// What stands before this `seq`.
    Before(i64),
    /// What stands after this `seq`.
    After(i64),
    /// What stands around this `seq`.
    Around(i64),
}

/// A part of a history, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub messages: Vec<Message>,
    /// Whether there is more before it.
    pub has_older: bool,
    /// Whether there is more after it.
    pub has_newer: bool,
}

impl Store {
    /// A page of at most `limit` messages of what `window` lets one see.
    pub async fn history(&self, window: &Window, request: PageRequest, limit: u64) -> Result<Page> {
        let tx = self.snapshot().await?;
        let page = match request {
            PageRequest::Latest => older(&tx, window, i64::MAX, limit).await?,
            PageRequest::Before(seq) => older(&tx, window, seq, limit).await?,
            PageRequest::After(seq) => newer(&tx, window, seq, limit).await?,
            PageRequest::Around(seq) => {
                let before = older(&tx, window, seq, limit / 2).await?;
                let mut page = newer(&tx, window, seq.saturating_sub(1), limit - limit / 2).await?;
                page.has_older = before.has_older;
                page.messages.splice(0..0, before.messages);
                page
            }
        };
        tx.commit().await?;
        Ok(page)
    }
}

/// Every message that changed after the version `after` and up to `up_to`,
/// in its present state, in the order of `seq`.
pub(super) async fn changed(
    db: &impl ConnectionTrait,
    conversation: ConversationId,
    after: i64,
    up_to: i64,
) -> Result<Vec<Message>> {
    select(
        db,
        "WHERE m.conversation_id = $1 AND m.version > $2 AND m.version <= $3 ORDER BY m.seq",
        [conversation.into(), after.into(), up_to.into()],
    )
    .await
}

/// The messages with these ids, in no order.
pub(super) async fn by_ids(db: &impl ConnectionTrait, ids: &[MessageId]) -> Result<Vec<Message>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let places = super::append::sql::places(ids.len());
    let values = ids.iter().map(|id| Value::from(*id));
    select(db, &format!("WHERE m.id IN ({places})"), values).await
}

async fn older(
    db: &impl ConnectionTrait,
    window: &Window,
    before: i64,
    limit: u64,
) -> Result<Page> {
    let before = before.min(window.last.saturating_add(1));
    let mut messages = select(
        db,
        "WHERE m.conversation_id = $1 AND m.seq > $2 AND m.seq < $3 ORDER BY m.seq DESC LIMIT $4",
        [
            window.conversation.into(),
            window.first.into(),
            before.into(),
            count(limit + 1),
        ],
    )
    .await?;
    let has_older = cut(&mut messages, limit);
    messages.reverse();
    Ok(Page {
        messages,
        has_older,
        has_newer: before <= window.last,
    })
}

async fn newer(db: &impl ConnectionTrait, window: &Window, after: i64, limit: u64) -> Result<Page> {
    let after = after.max(window.first);
    let mut messages = select(
        db,
        "WHERE m.conversation_id = $1 AND m.seq > $2 AND m.seq <= $3 ORDER BY m.seq LIMIT $4",
        [
            window.conversation.into(),
            after.into(),
            window.last.into(),
            count(limit + 1),
        ],
    )
    .await?;
    let has_newer = cut(&mut messages, limit);
    Ok(Page {
        messages,
        has_older: after > window.first,
        has_newer,
    })
}

fn count(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}

/// One more than asked for was read, to learn whether there is more.
fn cut(messages: &mut Vec<Message>, limit: u64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = messages.len() > limit;
    messages.truncate(limit);
    has_more
}

/// Everything a message is made of but its quote. When a mark passed a
/// message is the first move that came that far; it is looked for only where
/// one did. Where both marks moved at once, only `read` was written down.
const SELECT: &str = r#"
SELECT m.id, m.conversation_id, m.seq, m.version, m.posted_version, m.kind, m.text, m.event, m.client_id,
       m.reply_to, m.audience, m.created_at, m.edited_at, m.deleted_at,
       m.sender_id, u.username, u.display_name, c.delivered_low, c.read_low,
       CASE WHEN c.delivered_low >= m.seq THEN
           (SELECT r.at FROM receipt r WHERE r.conversation_id = m.conversation_id AND r.kind = 0
            AND r.user_id IS NULL AND r.up_to_seq >= m.seq ORDER BY r.up_to_seq LIMIT 1) END AS delivered_at,
       CASE WHEN c.read_low >= m.seq THEN
           (SELECT r.at FROM receipt r WHERE r.conversation_id = m.conversation_id AND r.kind = 1
            AND r.user_id IS NULL AND r.up_to_seq >= m.seq ORDER BY r.up_to_seq LIMIT 1) END AS read_at
FROM message m
JOIN "user" u ON u.id = m.sender_id
JOIN conversation c ON c.id = m.conversation_id
"#;

#[derive(FromQueryResult)]
struct Row {
    id: MessageId,
    conversation_id: ConversationId,
    seq: i64,
    version: i64,
    posted_version: i64,
    kind: Kind,
    text: String,
    event: Option<String>,
    client_id: Option<String>,
    reply_to: Option<MessageId>,
    audience: i32,
    created_at: Millis,
    edited_at: Option<Millis>,
    deleted_at: Option<Millis>,
    sender_id: UserId,
    username: String,
    display_name: String,
    delivered_low: i64,
    read_low: i64,
    delivered_at: Option<Millis>,
    read_at: Option<Millis>,
}

async fn select(
    db: &impl ConnectionTrait,
    rest: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<Message>> {
    let sql = format!("{SELECT}{rest}");
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = Row::find_by_statement(statement).all(db).await?;
    let quoted: Vec<MessageId> = rows.iter().filter_map(|row| row.reply_to).collect();
    let quotes = quotes(db, &quoted).await?;
    let ids: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
    let mut reactions = reactions::of(db, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let quote = quotes.iter().find(|quote| Some(quote.id) == row.reply_to);
            let reactions = reactions.remove(&row.id).unwrap_or_default();
            row.into_message(quote.cloned(), reactions)
        })
        .collect::<std::result::Result<_, _>>()?)
}

impl Row {
    fn into_message(
        self,
        reply_to: Option<Quote>,
        reactions: Vec<Reaction>,
    ) -> std::result::Result<Message, DbErr> {
        let is_heard = self.audience > 0;
        let status = match self.seq {
            seq if is_heard && seq <= self.read_low => Status::Read,
            seq if is_heard && seq <= self.delivered_low => Status::Delivered,
            _ => Status::Sent,
        };
        let read_at = self.read_at.filter(|_| status == Status::Read);
        // Reading implies delivery, at the same moment where nothing else says.
        let delivered_at = [self.delivered_at, read_at]
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
            reactions,
            created_at: self.created_at,
            edited_at: self.edited_at,
            deleted: self.deleted_at.is_some(),
            status,
            delivered_at,
            is_read: status == Status::Read,
            read_at,
            is_touched: self.version > self.posted_version,
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

async fn quotes(db: &impl ConnectionTrait, ids: &[MessageId]) -> Result<Vec<Quote>> {
    let found = quotable(db, ids).await?;
    Ok(found.into_iter().map(|found| found.quote).collect())
}
