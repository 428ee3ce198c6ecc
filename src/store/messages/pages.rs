//! Pages of a history, as far as the reader may see it.

use entity::{ConversationId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::HistoryRepository;
use super::{JOINED, MessageRow, ReaderSql, into_messages, message_columns};
use crate::protocol::Message;
use crate::store::db::{Result, json_rows, limit_value};

/// One side of a position: the messages from this `seq` on, limited in number
/// and bytes.
#[derive(Clone, Copy)]
struct HistorySide {
    seq: i64,
    limit: u64,
    bytes: usize,
}

/// The position of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryAnchor {
    /// The newest messages.
    Latest,
    /// Messages before this `seq`.
    Before(i64),
    /// Messages after this `seq`.
    After(i64),
    /// Messages around this `seq`.
    Around(i64),
}

/// The reader of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryReader {
    /// A current or former member, who sees the messages of their membership.
    User(UserId),
    /// A reader who may see the whole history.
    Unrestricted,
}

/// The part of a history that a user may see: messages after `after` and up to
/// `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryWindow {
    pub conversation: ConversationId,
    pub after: i64,
    pub last: i64,
}

/// A page of a history, oldest first.
#[derive(Clone, Debug, Default)]
pub struct HistorySlice {
    pub messages: Vec<Message>,
    /// Whether there are older messages.
    pub has_older: bool,
    /// Whether there are newer messages.
    pub has_newer: bool,
}

/// The maximum size of a page, in bytes of messages as JSON. A longer message
/// is a page by itself.
pub const PAGE_BYTES: usize = 256 * 1024;

/// The upper limit of the `seq` that a current member sees.
const SEQ_END: i64 = i64::MAX - 1;

fn least_function(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "MIN",
        _ => "LEAST",
    }
}

/// Returns a lower bound of the JSON size of a message `m`, from columns whose
/// length a database knows without reading them.
fn least_bytes_sql(backend: DbBackend, reader_sql: ReaderSql<'_>) -> String {
    let least = least_function(backend);
    // 300: field names; 36: the shortest reaction; 6: the shortest username.
    format!(
        "300 + {text} + COALESCE((SELECT SUM(36 + 6 * {least}(e.count, 50)) FROM \
         (SELECT COUNT(*) AS count FROM reaction r WHERE r.message_id = m.id AND {shown} \
         GROUP BY r.emoji) e), 0)",
        text = reader_sql.text_bytes(),
        shown = reader_sql.shows_reaction("r"),
    )
}

impl HistoryRepository<'_> {
    /// Returns a page of at most `limit` messages and [`PAGE_BYTES`]. Returns
    /// none if the user never was a member or the conversation doesn't exist.
    /// The page is consistent without a transaction, because one statement
    /// reads it.
    pub async fn load_page(
        self,
        view: HistoryReader,
        conversation: ConversationId,
        request: HistoryAnchor,
        limit: u64,
    ) -> Result<Option<HistorySlice>> {
        let mut asking = HistoryStatement::new(self.db.backend(), view, conversation);
        let side = |seq, limit, bytes| Some(HistorySide { seq, limit, bytes });
        let (older, newer) = match request {
            HistoryAnchor::Latest => (side(i64::MAX, limit, PAGE_BYTES), None),
            HistoryAnchor::Before(seq) => (side(seq, limit, PAGE_BYTES), None),
            HistoryAnchor::After(seq) => (None, side(seq, limit, PAGE_BYTES)),
            HistoryAnchor::Around(seq) => {
                let (half, bytes) = (limit / 2, PAGE_BYTES / 2);
                let after = side(seq.saturating_sub(1), limit - half, bytes);
                (side(seq, half, bytes), after)
            }
        };
        let sql = asking.sql(older, newer);
        let statement = Statement::from_sql_and_values(asking.backend, sql, asking.values);
        let Some(row) = self.db.reader().query_one_raw(statement).await? else {
            return Ok(None);
        };
        let (first, left): (i64, Option<i64>) =
            (row.try_get_by("first_seq")?, row.try_get_by("left_seq")?);
        let last = left.unwrap_or(SEQ_END);
        let (before, after): (Vec<MessageRow>, Vec<MessageRow>) = (
            json_rows::parse_column(&row, "older")?,
            json_rows::parse_column(&row, "newer")?,
        );
        let (mut before, mut after) = (into_messages(before)?, into_messages(after)?);
        let is_cut = |found: &mut Vec<Message>, side: Option<HistorySide>| {
            side.is_some_and(|side| cut_side(found, side))
        };
        let (cut_before, cut_after) = (is_cut(&mut before, older), is_cut(&mut after, newer));
        before.reverse();
        before.append(&mut after);
        Ok(Some(HistorySlice {
            messages: before,
            has_older: match older {
                Some(_) => cut_before,
                None => newer.is_some_and(|side| side.seq > first),
            },
            has_newer: match newer {
                Some(_) => cut_after,
                None => older.is_some_and(|side| side.seq <= last),
            },
        }))
    }
}

impl HistoryRepository<'_> {
    /// Returns a user's view of a message; none if they don't see it.
    pub async fn find_message(
        self,
        user: UserId,
        conversation: ConversationId,
        seq: i64,
    ) -> Result<Option<Message>> {
        let view = HistoryReader::User(user);
        let page = self.load_page(view, conversation, HistoryAnchor::Around(seq), 1);
        let page = page.await?;
        let mut messages = page.map(|page| page.messages).into_iter().flatten();
        Ok(messages.find(|message| message.seq == seq))
    }
}

/// The statement for a page of history.
struct HistoryStatement {
    backend: DbBackend,
    /// The SQL of the visible range: after the first, and up to the second if
    /// it isn't null.
    window: [&'static str; 2],
    reader_sql: ReaderSql<'static>,
    from: &'static str,
    values: Vec<Value>,
}

impl HistoryStatement {
    fn new(backend: DbBackend, view: HistoryReader, conversation: ConversationId) -> Self {
        let (window, reader_sql, from, viewer) = match view {
            HistoryReader::User(user) => (
                ["p.joined_seq", "p.left_seq"],
                ReaderSql::OF_PARTICIPANT,
                "participant p JOIN conversation c ON c.id = p.conversation_id \
                 WHERE p.conversation_id = $1 AND p.user_id = $2",
                Some(user),
            ),
            HistoryReader::Unrestricted => (
                ["CAST(0 AS BIGINT)", "CAST(NULL AS BIGINT)"],
                ReaderSql::WHOLE,
                "conversation c WHERE c.id = $1",
                None,
            ),
        };
        let values = [Value::from(conversation)];
        Self {
            backend,
            window,
            reader_sql,
            from,
            values: values.into_iter().chain(viewer.map(Value::from)).collect(),
        }
    }

    /// Builds the query for both sides: older messages, newest first, and newer
    /// ones.
    fn sql(&mut self, older: Option<HistorySide>, newer: Option<HistorySide>) -> String {
        let least = least_function(self.backend);
        let most = match self.backend {
            DbBackend::Sqlite => "MAX",
            _ => "GREATEST",
        };
        let [first, left] = self.window;
        let last = format!("COALESCE({left}, {SEQ_END})");
        let older = self.side_sql(older, "DESC", |before| {
            format!("m.seq > {first} AND m.seq < {least}({before}, {last} + 1)")
        });
        let newer = self.side_sql(newer, "ASC", |after| {
            format!("m.seq > {most}({after}, {first}) AND m.seq <= {last}")
        });
        let from = self.from;
        format!(
            "SELECT {first} AS first_seq, {left} AS left_seq, {older} AS older, {newer} AS newer \
             FROM {from}"
        )
    }

    /// Builds the query for one side. It reads one message more than `limit`,
    /// to learn whether there are more. It reads none after the first one that
    /// may exceed the byte limit. A message counts as at most a whole page, so
    /// that the message after a longer one is read, too.
    fn side_sql(
        &mut self,
        side: Option<HistorySide>,
        direction: &str,
        where_from: impl FnOnce(&str) -> String,
    ) -> String {
        let Some(HistorySide { seq, limit, bytes }) = side else {
            return "NULL".to_owned();
        };
        self.values
            .extend([Value::from(seq), limit_value(limit + 1)]);
        let place = format!("${}", self.values.len() - 1);
        let limit = self.values.len();
        let (condition, of_one) = (
            where_from(&place),
            least_bytes_sql(self.backend, self.reader_sql),
        );
        let least = least_function(self.backend);
        let rest = format!(
            "FROM (SELECT w.id, SUM(w.bytes) OVER (ORDER BY w.seq {direction} \
             ROWS UNBOUNDED PRECEDING) - w.bytes AS before FROM \
             (SELECT m.id, m.seq, {least}({bytes}, {of_one}) AS bytes FROM message m \
             WHERE m.conversation_id = $1 AND {condition} ORDER BY m.seq {direction} LIMIT ${limit}) w) page \
             CROSS JOIN message m {JOINED} WHERE m.id = page.id AND page.before <= {bytes} \
             ORDER BY m.seq {direction}"
        );
        format!(
            "({})",
            json_rows::sql(
                self.backend,
                &message_columns(self.backend, self.reader_sql),
                &rest
            )
        )
    }
}

/// Cuts a side at its limits, and returns whether anything was cut off. The
/// first message stays at any length.
fn cut_side(found: &mut Vec<Message>, side: HistorySide) -> bool {
    let limit = usize::try_from(side.limit).unwrap_or(usize::MAX);
    let mut bytes = 0;
    let fitting = found.iter().take(limit).enumerate();
    let fitting = fitting.take_while(|(at, message)| {
        bytes += message.encoded_len();
        *at == 0 || bytes <= side.bytes
    });
    let fitting = fitting.count();
    let has_more = found.len() > fitting;
    found.truncate(fitting);
    has_more
}

#[cfg(test)]
mod tests {
    use entity::message::MessageKind;
    use entity::{ConversationId, MessageId, Millis, UserId};

    use crate::protocol::message::ReactionSummary;
    use crate::protocol::{Message, MessageStatus, User};

    #[test]
    fn least_bytes_are_a_lower_bound() {
        let mut message = Message {
            id: MessageId(1),
            conversation_id: ConversationId(1),
            seq: 1,
            version: 1,
            kind: MessageKind::Text,
            text: String::new(),
            event: None,
            sender: User {
                id: UserId(1),
                username: "abc".to_owned(),
                display_name: "a".to_owned(),
            },
            client_id: None,
            reply_to: None,
            reactions: Vec::new(),
            created_at: Millis(0),
            edited_at: None,
            deleted: false,
            status: MessageStatus::Sent,
            delivered_at: None,
            is_read: true,
            read_at: None,
            is_changed: false,
            own_version: 1,
            posted_version: 1,
        };
        let without = message.encoded_len();
        assert!(without >= 300, "{without}");
        let reaction = |count: usize| ReactionSummary {
            emoji: "©".to_owned(),
            count: 1,
            usernames: vec!["abc".to_owned(); count],
        };
        message.reactions = vec![reaction(1), reaction(50)];
        let reactions = message.encoded_len() - without;
        assert!(reactions >= 2 * 36 + 51 * 6, "{reactions}");
    }
}
