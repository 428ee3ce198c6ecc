//! Marker moves of a batch, by a marker command or a sent message: the moved
//! markers, the authors whose messages they newly cover, and the new unread
//! counts. Marker events are built from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::conversation::ConversationKind;
use entity::message::MessageKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{ActiveEnum, Value};

use super::batch_input::{LockedConversation, MarkerSeqs};
use super::plan::{BatchPlan, MarkerAdvance, MarkerPosition};
use crate::protocol::User;
use crate::store::db::json_rows::json_row;
use crate::store::db::{QueuedQuery, Result, StatementAnswers, StatementBatch, sql};
use crate::store::limits::MEMBER_EVENTS_MAX;
use crate::store::unread::UNREAD;

/// The maximum number of messages in a range whose authors are queried. For a
/// longer range, all members get the event.
const AUTHORS_RANGE_MAX: i64 = 1_000;

/// The marker changes in a conversation.
#[derive(Clone, Debug, Default)]
pub struct MarkerChanges {
    /// Members whose markers passed messages of others, in the order of their
    /// versions.
    pub moved: Vec<MemberMarkerMove>,
    pub raised: Option<WatermarkRise>,
    /// The unread counts of members whose markers moved, after the whole batch.
    pub unread: Vec<(UserId, i64)>,
}

/// A member's markers after a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberMarkerMove {
    pub user: User,
    pub version: i64,
    pub at: Millis,
    /// The delivery marker, if it passed messages of others and is beyond the
    /// read marker.
    pub delivered: Option<MarkerStep>,
    pub read: Option<MarkerStep>,
}

/// The new position of a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerStep {
    pub message: MessageId,
    pub seq: i64,
    pub covers: CoveredAuthors,
}

/// The overall watermarks after a rise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatermarkRise {
    pub version: i64,
    pub at: Millis,
    pub delivered: i64,
    pub read: i64,
    pub covers: CoveredAuthors,
}

/// The authors of newly covered messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoveredAuthors {
    /// All other members, also if the range is too long for a query.
    All,
    Users(Vec<UserId>),
}

/// The messages after a `seq` and up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SeqRange {
    conversation: ConversationId,
    after: i64,
    up_to: i64,
}

/// The queries that run after the batch is written, for its marker events.
pub(super) struct MarkerQueries {
    /// The ranges whose authors are queried.
    author_ranges: Vec<SeqRange>,
    authors: Option<QueuedQuery<AuthorRow>>,
    unread: Option<QueuedQuery<UnreadRow>>,
    /// The unread counts that need no query.
    known: Vec<UnreadRow>,
}

json_row! {
    /// An author of a message in a range.
    struct AuthorRow of AuthorColumns {
        conversation_id: ConversationId,
        after: i64,
        up_to: i64,
        author: UserId,
    }
}

json_row! {
    /// The unread count of a member.
    struct UnreadRow of UnreadColumns {
        conversation_id: ConversationId,
        user_id: UserId,
        count: i64,
    }
}

/// Queues the marker queries, to run after the batch's writes.
pub(super) fn queue_marker_queries(
    statements: &mut StatementBatch,
    plan: &BatchPlan,
    watermarks: &RaisedWatermarks,
) -> MarkerQueries {
    let mut ranges = BTreeSet::new();
    for (conversation, _, moved) in plan.published_moves() {
        let before = moved.before;
        ranges.extend(covered_range(
            conversation,
            before.delivered,
            moved.delivered,
        ));
        ranges.extend(covered_range(conversation, before.read, moved.read));
    }
    for (row, rise) in plan.published_rises(watermarks) {
        ranges.extend(rise.passed_ranges(row.id));
    }
    // In a direct conversation, all messages after a user's own marker are from
    // the other user.
    ranges.retain(|range| !plan.is_direct(range.conversation));
    ranges.retain(|range| range.up_to - range.after <= AUTHORS_RANGE_MAX);
    let author_ranges: Vec<SeqRange> = ranges.into_iter().collect();
    let authors = queue_authors(statements, &author_ranges);
    let (mut known, mut counted) = (Vec::new(), Vec::new());
    for ((conversation_id, user_id), moved) in &plan.marker_advances {
        let (conversation_id, user_id) = (*conversation_id, *user_id);
        match unread_without_query(plan, conversation_id, moved) {
            Some(count) => known.push(UnreadRow {
                conversation_id,
                user_id,
                count,
            }),
            None => counted.push((conversation_id, user_id)),
        }
    }
    MarkerQueries {
        author_ranges,
        authors,
        unread: queue_unread(statements, &counted),
        known,
    }
}

impl MarkerQueries {
    /// Returns the marker changes, from the answers of the batch.
    pub(super) fn into_changes(
        self,
        plan: &BatchPlan,
        watermarks: &RaisedWatermarks,
        answers: &StatementAnswers,
    ) -> Result<HashMap<ConversationId, MarkerChanges>> {
        let ranges = self.author_ranges.into_iter();
        let mut authors: AuthorsByRange = ranges.map(|range| (range, Vec::new())).collect();
        if let Some(query) = &self.authors {
            for row in answers.rows(query)? {
                let range = SeqRange {
                    conversation: row.conversation_id,
                    after: row.after,
                    up_to: row.up_to,
                };
                authors.entry(range).or_default().push(row.author);
            }
        }
        let mut all: HashMap<ConversationId, MarkerChanges> = HashMap::new();
        for (conversation, user, moved) in plan.published_moves() {
            let marks = all.entry(conversation).or_default();
            marks
                .moved
                .push(member_move(conversation, user, moved, &authors));
        }
        for (row, rise) in plan.published_rises(watermarks) {
            all.entry(row.id).or_default().raised = Some(WatermarkRise {
                version: row.version,
                at: plan.watermark_time(row.id),
                delivered: rise.after.delivered,
                read: rise.after.read,
                covers: covered_authors(rise.passed_ranges(row.id), &authors),
            });
        }
        let mut counts = self.known;
        if let Some(query) = &self.unread {
            counts.extend(answers.rows(query)?);
        }
        for row in counts {
            let marks = all.entry(row.conversation_id).or_default();
            marks.unread.push((row.user_id, row.count));
        }
        for marks in all.values_mut() {
            marks.moved.sort_by_key(|moved| moved.version);
        }
        Ok(all)
    }
}

/// The authors of the messages in the queried ranges.
type AuthorsByRange = BTreeMap<SeqRange, Vec<UserId>>;

fn member_move(
    conversation: ConversationId,
    user: &User,
    moved: &MarkerAdvance,
    authors: &AuthorsByRange,
) -> MemberMarkerMove {
    let step = |before: i64, stand: MarkerPosition| {
        let range = covered_range(conversation, before, stand)?;
        Some(MarkerStep {
            message: stand.message?,
            seq: stand.seq,
            covers: covered_authors([range], authors),
        })
    };
    let read = step(moved.before.read, moved.read);
    let delivered = (moved.delivered.seq > moved.read.seq)
        .then(|| step(moved.before.delivered, moved.delivered));
    MemberMarkerMove {
        user: user.clone(),
        version: moved.version,
        at: moved.at,
        delivered: delivered.flatten(),
        read,
    }
}

/// The watermarks that rose in a batch.
pub(super) type RaisedWatermarks = BTreeMap<ConversationId, WatermarkMove>;

/// The overall watermarks before and after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WatermarkMove {
    pub(super) before: MarkerSeqs,
    pub(super) after: MarkerSeqs,
}

impl WatermarkMove {
    /// Returns the ranges of messages that the watermarks passed.
    fn passed_ranges(&self, conversation: ConversationId) -> impl Iterator<Item = SeqRange> {
        let both = [
            (self.before.delivered, self.after.delivered),
            (self.before.read, self.after.read),
        ];
        let passed = both.into_iter().filter(|(before, after)| before < after);
        passed.map(move |(after, up_to)| SeqRange {
            conversation,
            after,
            up_to,
        })
    }
}

/// Returns the range of others' messages that a marker passed.
fn covered_range(
    conversation: ConversationId,
    before: i64,
    stand: MarkerPosition,
) -> Option<SeqRange> {
    let up_to = stand.covers?;
    Some(SeqRange {
        conversation,
        after: before,
        up_to,
    })
}

/// Returns the authors in these ranges, or `All` if a range wasn't queried.
fn covered_authors(
    ranges: impl IntoIterator<Item = SeqRange>,
    authors: &AuthorsByRange,
) -> CoveredAuthors {
    let mut all = BTreeSet::new();
    for range in ranges {
        match authors.get(&range) {
            Some(found) => all.extend(found.iter().copied()),
            None => return CoveredAuthors::All,
        }
    }
    CoveredAuthors::Users(all.into_iter().collect())
}

/// Queues the query for the authors in these ranges; none if there are none.
fn queue_authors(
    statements: &mut StatementBatch,
    ranges: &[SeqRange],
) -> Option<QueuedQuery<AuthorRow>> {
    if ranges.is_empty() {
        return None;
    }
    let rest = format!(
        "FROM (SELECT DISTINCT v.column1, v.column2, v.column3, m.sender_id \
         FROM {} v CROSS JOIN message m WHERE m.conversation_id = v.column1 \
         AND m.seq > v.column2 AND m.seq <= v.column3 AND m.kind = {text}) authors",
        sql::values_list(statements.backend(), ranges.len(), 3),
        text = MessageKind::Text.to_value()
    );
    let columns = AuthorColumns {
        conversation_id: "column1",
        after: "column2",
        up_to: "column3",
        author: "sender_id",
    };
    let values = ranges.iter().flat_map(|range| {
        [
            Value::from(range.conversation),
            range.after.into(),
            range.up_to.into(),
        ]
    });
    Some(statements.query(&columns, &rest, values))
}

/// Queues the query for unread counts; none if there are none.
fn queue_unread(
    statements: &mut StatementBatch,
    asked: &[(ConversationId, UserId)],
) -> Option<QueuedQuery<UnreadRow>> {
    if asked.is_empty() {
        return None;
    }
    let rest = format!(
        "FROM {} v CROSS JOIN participant p CROSS JOIN conversation c \
         WHERE p.conversation_id = v.column1 AND p.user_id = v.column2 AND c.id = v.column1",
        sql::values_list(statements.backend(), asked.len(), 2)
    );
    let columns = UnreadColumns {
        conversation_id: "p.conversation_id",
        user_id: "p.user_id",
        count: UNREAD,
    };
    let values = asked
        .iter()
        .flat_map(|(conversation, user)| [Value::from(*conversation), Value::from(*user)]);
    Some(statements.query(&columns, &rest, values))
}

/// Returns the unread count after a move; none if it needs a query. It needs
/// none if the marker is at the newest message, or the member sent a message in
/// this batch.
fn unread_without_query(
    plan: &BatchPlan,
    conversation: ConversationId,
    moved: &MarkerAdvance,
) -> Option<i64> {
    let last = plan.conversations.get(&conversation)?.last_ord;
    let mut touches = plan.edits.iter();
    let is_touched = touches.any(|edit| edit.conversation == conversation);
    if moved.ord == last || (moved.has_sent && !is_touched) {
        Some(last - moved.ord)
    } else {
        None
    }
}

impl BatchPlan {
    fn is_direct(&self, conversation: ConversationId) -> bool {
        let row = self.conversations.get(&conversation);
        row.is_some_and(|row| row.kind == ConversationKind::Direct)
    }

    /// Returns the raised watermarks that are announced, each with its
    /// conversation. With one member left there is no other reader, and in a
    /// direct conversation the members' markers say enough.
    fn published_rises<'a>(
        &'a self,
        watermarks: &'a RaisedWatermarks,
    ) -> impl Iterator<Item = (&'a LockedConversation, &'a WatermarkMove)> {
        let rises = watermarks.iter();
        let rises = rises.filter_map(|(id, rise)| Some((self.conversations.get(id)?, rise)));
        rises.filter(|(row, _)| row.kind == ConversationKind::Group && row.participant_count > 1)
    }

    /// Returns the moves over others' messages, in conversations that get
    /// events about single members.
    fn published_moves(&self) -> impl Iterator<Item = (ConversationId, &User, &MarkerAdvance)> {
        let moves = self
            .marker_advances
            .iter()
            .filter(|((conversation, _), moved)| {
                let row = self.conversations.get(conversation);
                row.is_some_and(|row| row.participant_count <= MEMBER_EVENTS_MAX)
                    && (moved.delivered.covers.is_some() || moved.read.covers.is_some())
            });
        moves.map(|((conversation, _), moved)| (*conversation, &moved.user, moved))
    }
}
