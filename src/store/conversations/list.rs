//! A user's list of conversations, in pages that are limited by number and by
//! bytes.

use entity::{ConversationId, Millis, UserId};
use sea_orm::{DbBackend, Value};

use super::views::{LAST_ACTIVITY, LAST_MESSAGE, LISTED, load_views};
use crate::protocol::Conversation;
use crate::store::conversations::ConversationRepository;
use crate::store::db::{Result, limit_value};
use crate::store::limits::MEMBER_EVENTS_MAX;
use crate::store::messages::PAGE_BYTES;

/// A page of the list: pinned conversations first, then the most recent ones.
#[derive(Clone, Debug, Default)]
pub struct ConversationPage {
    pub conversations: Vec<Conversation>,
    /// The cursor of the next page; none after the last one.
    pub next: Option<ConversationListCursor>,
}

/// The position of a page's last conversation, after which the next page
/// begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationListCursor {
    pub pinned: bool,
    pub at: Millis,
    pub id: ConversationId,
}

impl From<&Conversation> for ConversationListCursor {
    fn from(conversation: &Conversation) -> Self {
        let newest = conversation.last_message.as_ref();
        Self {
            pinned: conversation.pinned,
            at: newest.map_or(conversation.created_at, |message| message.created_at),
            id: conversation.id,
        }
    }
}

impl ConversationRepository<'_> {
    /// Returns a page of at most `limit` conversations and [`PAGE_BYTES`], with
    /// at least one conversation if there is any.
    pub async fn list(
        self,
        me: UserId,
        after: Option<ConversationListCursor>,
        limit: u64,
    ) -> Result<ConversationPage> {
        let mut values = vec![Value::from(me), limit_value(limit + 1)];
        let place = after.map(|cursor| {
            let pinned = i64::from(cursor.pinned);
            values.extend([pinned.into(), cursor.at.into(), cursor.id.into()]);
            format!(
                "AND (CASE WHEN p.pinned THEN 1 ELSE 0 END, {LAST_ACTIVITY}, c.id) < ($3, $4, $5)"
            )
        });
        let rest = page_sql(self.db.backend(), &place.unwrap_or_default());
        let found = load_views(self.db.reader(), &rest, values).await?;
        let found = found.into_iter().map(|(_, conversation)| conversation);
        Ok(cut_page(found.collect(), limit))
    }
}

/// Selects at most `limit` + 1 conversations, and none after the first one that
/// may exceed the byte limit.
fn page_sql(backend: DbBackend, place: &str) -> String {
    let order = format!("p.pinned DESC, {LAST_ACTIVITY} DESC, c.id DESC");
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

/// Typical JSON sizes of a conversation with its last message but without that
/// message's text, and of a participant.
const CONVERSATION_BYTES: usize = 700;
const PARTICIPANT_BYTES: usize = 180;

/// Estimates the JSON size of a conversation `w` from columns whose length a
/// database knows without reading them. The estimate is at most a whole page,
/// so that the conversation after a longer one is read, too.
fn estimate_sql(backend: DbBackend) -> String {
    let least = match backend {
        DbBackend::Sqlite => "MIN",
        _ => "LEAST",
    };
    format!(
        "{least}({PAGE_BYTES}, {CONVERSATION_BYTES} + {PARTICIPANT_BYTES} * CASE WHEN w.left_seq IS NULL \
         AND w.participant_count <= {MEMBER_EVENTS_MAX} THEN w.participant_count ELSE 1 END \
         + COALESCE((SELECT octet_length(m.text) FROM message m WHERE m.id = w.last_id), 0))"
    )
}

/// Estimates the JSON size of a loaded conversation, like [`estimate_sql`].
fn estimate_bytes(conversation: &Conversation) -> usize {
    let count = usize::try_from(conversation.participant_count).unwrap_or_default();
    let named = if !conversation.left && count <= MEMBER_EVENTS_MAX as usize {
        count
    } else {
        1
    };
    let text = conversation
        .last_message
        .as_ref()
        .map_or(0, |message| message.text.len());
    CONVERSATION_BYTES + PARTICIPANT_BYTES * named + text
}

/// Cuts a page at its byte limit, by actual size and by the estimate that
/// limited the statement. The first conversation always stays.
fn cut_page(mut found: Vec<Conversation>, limit: u64) -> ConversationPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut bytes = 0;
    let fitting = found.iter().take(limit).enumerate();
    let fitting = fitting.take_while(|(at, conversation)| {
        bytes += conversation.encoded_len().max(estimate_bytes(conversation));
        *at == 0 || bytes <= PAGE_BYTES
    });
    let fitting = fitting.count();
    let has_more = found.len() > fitting;
    found.truncate(fitting);
    let next = found
        .last()
        .filter(|_| has_more)
        .map(ConversationListCursor::from);
    ConversationPage {
        conversations: found,
        next,
    }
}
