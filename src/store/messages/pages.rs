//! Parts of a history, as wide as what one may see of it.

use entity::{ConversationId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::{JOINED, Row, SightSql, columns, messages};
use crate::protocol::Message;
use crate::store::{Result, Store, count, piece};

/// One side of a place in a history: from this `seq` on, up to so many
/// messages and bytes.
#[derive(Clone, Copy)]
struct Side {
    seq: i64,
    limit: u64,
    bytes: usize,
}

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

/// Who looks at a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Somebody who takes part or did once, and sees what was said meanwhile.
    Of(UserId),
    /// Whoever may see all of it.
    Whole,
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

/// A page of history ends here, in bytes of messages as JSON. It has at least
/// one message.
pub const PAGE_BYTES: usize = 256 * 1024;

/// The end of a history that goes on.
const OPEN: i64 = i64::MAX - 1;

fn least(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "MIN",
        _ => "LEAST",
    }
}

/// A lower bound of the bytes that a message `m` has as JSON, by columns whose
/// length a database knows without reading them.
fn least_bytes(backend: DbBackend, sight: SightSql<'_>) -> String {
    let least = least(backend);
    // The names of the fields, the shortest reaction, and the shortest name of
    // a user who reacted.
    format!(
        "300 + {text} + COALESCE((SELECT SUM(36 + 6 * {least}(e.count, 50)) FROM \
         (SELECT COUNT(*) AS count FROM reaction r WHERE r.message_id = m.id AND {shown} \
         GROUP BY r.emoji) e), 0)",
        text = sight.text_bytes(),
        shown = sight.shows_reaction("r"),
    )
}

impl Store {
    /// A page of at most `limit` messages and [`PAGE_BYTES`]; none for those
    /// who never took part, or where there is no such conversation.
    /// It takes one statement, which is a snapshot by itself.
    pub async fn history(
        &self,
        (view, conversation): (View, ConversationId),
        request: PageRequest,
        limit: u64,
    ) -> Result<Option<Page>> {
        let mut asking = Asking::about(self.backend(), view, conversation);
        let side = |seq, limit, bytes| Some(Side { seq, limit, bytes });
        let (older, newer) = match request {
            PageRequest::Latest => (side(i64::MAX, limit, PAGE_BYTES), None),
            PageRequest::Before(seq) => (side(seq, limit, PAGE_BYTES), None),
            PageRequest::After(seq) => (None, side(seq, limit, PAGE_BYTES)),
            PageRequest::Around(seq) => {
                let (half, bytes) = (limit / 2, PAGE_BYTES / 2);
                let after = side(seq.saturating_sub(1), limit - half, bytes);
                (side(seq, half, bytes), after)
            }
        };
        let sql = asking.sql(older, newer);
        let statement = Statement::from_sql_and_values(asking.backend, sql, asking.values);
        let Some(row) = self.reader.query_one_raw(statement).await? else {
            return Ok(None);
        };
        let (first, left): (i64, Option<i64>) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let last = left.unwrap_or(OPEN);
        let (before, after): (Vec<Row>, Vec<Row>) = (piece::at(&row, 2)?, piece::at(&row, 3)?);
        let (mut before, mut after) = (messages(before)?, messages(after)?);
        let is_cut = |found: &mut Vec<Message>, side: Option<Side>| {
            side.is_some_and(|side| cut(found, side))
        };
        let (cut_before, cut_after) = (is_cut(&mut before, older), is_cut(&mut after, newer));
        before.reverse();
        before.append(&mut after);
        Ok(Some(Page {
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

impl Store {
    /// The message at this place as a user sees it; none if the user does not
    /// see it.
    pub async fn message_seen_by(
        &self,
        user: UserId,
        conversation: ConversationId,
        seq: i64,
    ) -> Result<Option<Message>> {
        let view = (View::Of(user), conversation);
        let page = self.history(view, PageRequest::Around(seq), 1).await?;
        let mut messages = page.map(|page| page.messages).into_iter().flatten();
        Ok(messages.find(|message| message.seq == seq))
    }
}

/// A statement that is being put together.
struct Asking {
    backend: DbBackend,
    /// What one sees stands behind the one place, and up to the other where
    /// there is one.
    window: [&'static str; 2],
    sight: SightSql<'static>,
    from: &'static str,
    values: Vec<Value>,
}

impl Asking {
    fn about(backend: DbBackend, view: View, conversation: ConversationId) -> Self {
        let (window, sight, from, viewer) = match view {
            View::Of(user) => (
                ["p.joined_seq", "p.left_seq"],
                SightSql::OF_PARTICIPANT,
                "participant p JOIN conversation c ON c.id = p.conversation_id \
                 WHERE p.conversation_id = $1 AND p.user_id = $2",
                Some(user),
            ),
            View::Whole => (
                ["CAST(0 AS BIGINT)", "CAST(NULL AS BIGINT)"],
                SightSql::WHOLE,
                "conversation c WHERE c.id = $1",
                None,
            ),
        };
        let values = [Value::from(conversation)];
        Self {
            backend,
            window,
            sight,
            from,
            values: values.into_iter().chain(viewer.map(Value::from)).collect(),
        }
    }

    /// So many before a place, the newest first, and so many after one.
    fn sql(&mut self, older: Option<Side>, newer: Option<Side>) -> String {
        let least = least(self.backend);
        let most = match self.backend {
            DbBackend::Sqlite => "MAX",
            _ => "GREATEST",
        };
        let [first, left] = self.window;
        let last = format!("COALESCE({left}, {OPEN})");
        let older = self.part(older, "m.seq DESC", |before| {
            format!("m.seq > {first} AND m.seq < {least}({before}, {last} + 1)")
        });
        let newer = self.part(newer, "m.seq", |after| {
            format!("m.seq > {most}({after}, {first}) AND m.seq <= {last}")
        });
        let from = self.from;
        format!("SELECT {first}, {left}, {older}, {newer} FROM {from}")
    }

    /// One more than asked for is read, to learn whether there is more. So is
    /// the first that may not fit any more, but nothing behind it: a page reads
    /// no more than it may answer. Each counts as a whole page at most, so that
    /// there is one to read behind one that is longer.
    fn part(
        &mut self,
        side: Option<Side>,
        order: &str,
        where_from: impl FnOnce(&str) -> String,
    ) -> String {
        let Some(Side { seq, limit, bytes }) = side else {
            return "NULL".to_owned();
        };
        self.values.extend([Value::from(seq), count(limit + 1)]);
        let place = format!("${}", self.values.len() - 1);
        let limit = self.values.len();
        let (condition, of_one) = (where_from(&place), least_bytes(self.backend, self.sight));
        let least = least(self.backend);
        let rest = format!(
            "FROM (SELECT w.id, SUM(w.bytes) OVER (ORDER BY w.seq {direction} \
             ROWS UNBOUNDED PRECEDING) - w.bytes AS before FROM \
             (SELECT m.id, m.seq, {least}({bytes}, {of_one}) AS bytes FROM message m \
             WHERE m.conversation_id = $1 AND {condition} ORDER BY {order} LIMIT ${limit}) w) page \
             CROSS JOIN message m {JOINED} WHERE m.id = page.id AND page.before <= {bytes} \
             ORDER BY {order}",
            direction = order.trim_start_matches("m.seq"),
        );
        format!(
            "({})",
            piece::sql(self.backend, &columns(self.backend, self.sight), &rest)
        )
    }
}

/// Whether there is more than a page has room for, which is cut off. The first
/// message has room whatever its length.
fn cut(found: &mut Vec<Message>, side: Side) -> bool {
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
    use entity::message::Kind;
    use entity::{ConversationId, MessageId, Millis, UserId};

    use crate::protocol::message::Reaction;
    use crate::protocol::{Message, Status, User};

    #[test]
    fn least_bytes_are_a_lower_bound() {
        let mut message = Message {
            id: MessageId(1),
            conversation_id: ConversationId(1),
            seq: 1,
            version: 1,
            kind: Kind::Text,
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
            status: Status::Sent,
            delivered_at: None,
            is_read: true,
            read_at: None,
            is_touched: false,
            own_version: 1,
            posted_version: 1,
        };
        let without = message.encoded_len();
        assert!(without >= 300, "{without}");
        let reaction = |count: usize| Reaction {
            emoji: "©".to_owned(),
            count: 1,
            usernames: vec!["abc".to_owned(); count],
        };
        message.reactions = vec![reaction(1), reaction(50)];
        let reactions = message.encoded_len() - without;
        assert!(reactions >= 2 * 36 + 51 * 6, "{reactions}");
    }
}
