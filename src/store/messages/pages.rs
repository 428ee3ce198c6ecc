//! Parts of a history, as wide as what one may see of it.

use entity::{ConversationId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::{Row, messages, sql_of_one};
use crate::protocol::Message;
use crate::store::{Result, Store, count, piece};

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

/// The end of a history that goes on.
const OPEN: i64 = i64::MAX - 1;

impl Store {
    /// A page of at most `limit` messages; none for those who never took part,
    /// or where there is no such conversation.
    /// It takes one statement, which is a snapshot by itself.
    pub async fn history(
        &self,
        (view, conversation): (View, ConversationId),
        request: PageRequest,
        limit: u64,
    ) -> Result<Option<Page>> {
        let mut asking = Asking::about(self.backend(), view, conversation);
        let (older, newer) = match request {
            PageRequest::Latest => (Some((i64::MAX, limit)), None),
            PageRequest::Before(seq) => (Some((seq, limit)), None),
            PageRequest::After(seq) => (None, Some((seq, limit))),
            PageRequest::Around(seq) => {
                let half = limit / 2;
                let after = (seq.saturating_sub(1), limit - half);
                (Some((seq, half)), Some(after))
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
        let (mut before, mut after): (Vec<Row>, Vec<Row>) =
            (piece::at(&row, 2)?, piece::at(&row, 3)?);
        let is_cut = |rows: &mut Vec<Row>, part: Option<(i64, u64)>| {
            part.is_some_and(|(_, limit)| cut(rows, limit))
        };
        let (cut_before, cut_after) = (is_cut(&mut before, older), is_cut(&mut after, newer));
        before.reverse();
        before.append(&mut after);
        Ok(Some(Page {
            messages: messages(before)?,
            has_older: match older {
                Some(_) => cut_before,
                None => newer.is_some_and(|(seq, _)| seq > first),
            },
            has_newer: match newer {
                Some(_) => cut_after,
                None => older.is_some_and(|(seq, _)| seq <= last),
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
    from: &'static str,
    values: Vec<Value>,
}

impl Asking {
    fn about(backend: DbBackend, view: View, conversation: ConversationId) -> Self {
        let (window, from, viewer) = match view {
            View::Of(user) => (
                ["p.joined_seq", "p.left_seq"],
                "participant p JOIN conversation c ON c.id = p.conversation_id \
                 WHERE p.conversation_id = $1 AND p.user_id = $2",
                Some(user),
            ),
            View::Whole => (
                ["CAST(0 AS BIGINT)", "CAST(NULL AS BIGINT)"],
                "conversation c WHERE c.id = $1",
                None,
            ),
        };
        let values = [Value::from(conversation)];
        Self {
            backend,
            window,
            from,
            values: values.into_iter().chain(viewer.map(Value::from)).collect(),
        }
    }

    /// So many before a place, the newest first, and so many after one.
    fn sql(&mut self, older: Option<(i64, u64)>, newer: Option<(i64, u64)>) -> String {
        let (least, most) = match self.backend {
            DbBackend::Sqlite => ("MIN", "MAX"),
            _ => ("LEAST", "GREATEST"),
        };
        let [first, left] = self.window;
        let last = format!("COALESCE({left}, {OPEN})");
        let older = self.part(older, |before| {
            format!(
                "m.seq > {first} AND m.seq < {least}({before}, {last} + 1) \
                 ORDER BY m.seq DESC"
            )
        });
        let newer = self.part(newer, |after| {
            format!("m.seq > {most}({after}, {first}) AND m.seq <= {last} ORDER BY m.seq")
        });
        let from = self.from;
        format!("SELECT {first}, {left}, {older}, {newer} FROM {from}")
    }

    /// One more than asked for is read, to learn whether there is more.
    fn part(
        &mut self,
        part: Option<(i64, u64)>,
        where_from: impl FnOnce(&str) -> String,
    ) -> String {
        let Some((seq, limit)) = part else {
            return "NULL".to_owned();
        };
        self.values.extend([Value::from(seq), count(limit + 1)]);
        let place = format!("${}", self.values.len() - 1);
        let rest = format!(
            "WHERE m.conversation_id = $1 AND {} LIMIT ${}",
            where_from(&place),
            self.values.len()
        );
        format!("({})", sql_of_one(self.backend, &rest))
    }
}

/// Whether there was one more than asked for.
fn cut(rows: &mut Vec<Row>, limit: u64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    has_more
}
