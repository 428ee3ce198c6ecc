//! A user's list of conversations, in pages that end by their number and by
//! their bytes.

use entity::{ConversationId, Millis, UserId};
use sea_orm::{DbBackend, Value};

use super::views::{AT, LAST_MESSAGE, LISTED, views};
use crate::protocol::Conversation;
use crate::store::messages::PAGE_BYTES;
use crate::store::{Result, Store, TELLS_EACH_UP_TO, count};

/// A page of a list: pinned conversations first, then the most recent ones.
#[derive(Clone, Debug, Default)]
pub struct ConversationPage {
    pub conversations: Vec<Conversation>,
    /// Where the next page begins; none after the last one.
    pub next: Option<ListCursor>,
}

/// Where a page of a user's list ended.
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

impl Store {
    /// A page of at most `limit` conversations and [`PAGE_BYTES`], with at
    /// least one conversation if there is any.
    pub async fn conversations(
        &self,
        me: UserId,
        after: Option<ListCursor>,
        limit: u64,
    ) -> Result<ConversationPage> {
        let mut values = vec![Value::from(me), count(limit + 1)];
        let place = after.map(|cursor| {
            let pinned = i64::from(cursor.pinned);
            values.extend([pinned.into(), cursor.at.into(), cursor.id.into()]);
            format!("AND (CASE WHEN p.pinned THEN 1 ELSE 0 END, {AT}, c.id) < ($3, $4, $5)")
        });
        let rest = page(self.backend(), &place.unwrap_or_default());
        let found = views(&self.reader, &rest, values).await?;
        let found = found.into_iter().map(|(_, conversation)| conversation);
        Ok(cut(found.collect(), limit))
    }
}

/// The conversations of a page, one more than `limit` at most, and the first
/// that may not fit any more by its bytes, but none behind it.
fn page(backend: DbBackend, place: &str) -> String {
    let order = format!("p.pinned DESC, {AT} DESC, c.id DESC");
    let bytes = estimate_sql(backend);
    format!(
        "WHERE p.user_id = $1 AND c.id IN (SELECT page.id FROM \
         (SELECT w.id, SUM({bytes}) OVER (ORDER BY w.place ROWS UNBOUNDED PRECEDING) - {bytes} \
         AS before FROM (SELECT c.id, c.participant_count, p.left_seq, {LAST_MESSAGE} AS last_id, \
         ROW_NUMBER() OVER (ORDER BY {order}) AS place FROM participant p \
         JOIN conversation c ON c.id = p.conversation_id \
         WHERE p.user_id = $1 AND {LISTED} {place} ORDER BY {order} LIMIT $2) w) page \
         WHERE page.before <= {PAGE_BYTES}) ORDER BY {order}"
    )
}

/// What a conversation with its last message but without that message's text,
/// and what a participant usually has as JSON.
const BYTES: usize = 700;
const PARTICIPANT_BYTES: usize = 180;

/// An estimate of the bytes that a conversation `w` has as JSON, by columns
/// whose length a database knows without reading them. It counts as a whole
/// page at most, so that a longer one has a successor.
fn estimate_sql(backend: DbBackend) -> String {
    let least = match backend {
        DbBackend::Sqlite => "MIN",
        _ => "LEAST",
    };
    format!(
        "{least}({PAGE_BYTES}, {BYTES} + {PARTICIPANT_BYTES} * CASE WHEN w.left_seq IS NULL \
         AND w.participant_count <= {TELLS_EACH_UP_TO} THEN w.participant_count ELSE 1 END \
         + COALESCE((SELECT octet_length(m.text) FROM message m WHERE m.id = w.last_id), 0))"
    )
}

/// The same estimate of a conversation that was read.
fn estimate(conversation: &Conversation) -> usize {
    let count = usize::try_from(conversation.participant_count).unwrap_or_default();
    let named = match !conversation.left && count <= TELLS_EACH_UP_TO as usize {
        true => count,
        false => 1,
    };
    let text = conversation
        .last_message
        .as_ref()
        .map_or(0, |message| message.text.len());
    BYTES + PARTICIPANT_BYTES * named + text
}

/// Cuts off what a page has no room for, by its bytes and by the estimate, which
/// the statement ended by. The first conversation has room at any length.
fn cut(mut found: Vec<Conversation>, limit: u64) -> ConversationPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut bytes = 0;
    let fitting = found.iter().take(limit).enumerate();
    let fitting = fitting.take_while(|(at, conversation)| {
        bytes += conversation.encoded_len().max(estimate(conversation));
        *at == 0 || bytes <= PAGE_BYTES
    });
    let fitting = fitting.count();
    let has_more = found.len() > fitting;
    found.truncate(fitting);
    let next = found.last().filter(|_| has_more).map(ListCursor::from);
    ConversationPage {
        conversations: found,
        next,
    }
}
