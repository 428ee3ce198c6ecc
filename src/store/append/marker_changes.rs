//! Marker moves of a batch, by a marker command or a post: the moved markers,
//! the authors whose messages they newly cover, and the new unread counts.
//! Marker events are built from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::conversation::ConversationKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{QueryResult, Value};

use super::plan::{BatchPlan, MarkerAdvance, MarkerPosition};
use crate::protocol::User;
use crate::store::db::{Result, StatementBatch, json_rows, sql};
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
    /// The members whose unread counts are queried.
    counted: Vec<(ConversationId, UserId)>,
    /// The unread counts that need no query.
    known: UnreadCounts,
}

type UnreadCounts = Vec<((ConversationId, UserId), i64)>;

/// Queues the marker queries, to run after the batch's writes.
pub(super) fn queue_marker_queries(
    statements: &mut StatementBatch,
    plan: &BatchPlan,
) -> MarkerQueries {
    let mut ranges = BTreeSet::new();
    for (conversation, _, moved) in plan.published_moves() {
        ranges.extend(covered_range(
            conversation,
            moved.before.delivered,
            moved.delivered,
        ));
        ranges.extend(covered_range(conversation, moved.before.read, moved.read));
    }
    for (conversation, raised) in &plan.raised {
        ranges.extend(raised.passed_ranges(*conversation));
    }
    // In a direct conversation, all messages after a user's own marker are from
    // the other user.
    ranges.retain(|range| !plan.is_direct(range.conversation));
    ranges.retain(|range| range.up_to - range.after <= AUTHORS_RANGE_MAX);
    let ranges: Vec<SeqRange> = ranges.into_iter().collect();
    queue_authors(statements, &ranges);
    let (mut known, mut counted) = (UnreadCounts::new(), Vec::new());
    for (key, moved) in &plan.marker_advances {
        match unread_without_query(plan, key.0, moved) {
            Some(count) => known.push((*key, count)),
            None => counted.push(*key),
        }
    }
    queue_unread(statements, &counted);
    MarkerQueries {
        author_ranges: ranges,
        counted,
        known,
    }
}

impl MarkerQueries {
    /// Returns the marker changes. The queries' answers are the last of
    /// `answers`.
    pub(super) fn into_changes(
        self,
        plan: &BatchPlan,
        answers: &[QueryResult],
        now: Millis,
    ) -> Result<HashMap<ConversationId, MarkerChanges>> {
        let mut last = answers.iter().rev();
        let mut counts = self.known;
        if !self.counted.is_empty() {
            let rows = last
                .next()
                .map(json_rows::parse_row::<(_, _, i64)>)
                .transpose()?;
            let rows = rows.into_iter().flatten();
            counts.extend(rows.map(|(conversation, user, count)| ((conversation, user), count)));
        }
        let mut authors: BTreeMap<SeqRange, Vec<UserId>> = self
            .author_ranges
            .iter()
            .map(|range| (*range, Vec::new()))
            .collect();
        if !authors.is_empty() {
            let rows = last
                .next()
                .map(json_rows::parse_row::<(_, _, _, UserId)>)
                .transpose()?;
            for (conversation, after, up_to, author) in rows.into_iter().flatten() {
                let range = SeqRange {
                    conversation,
                    after,
                    up_to,
                };
                authors.entry(range).or_default().push(author);
            }
        }
        Ok(collect_changes(plan, (&authors, counts), now))
    }
}

fn collect_changes(
    plan: &BatchPlan,
    (authors, counts): (&BTreeMap<SeqRange, Vec<UserId>>, UnreadCounts),
    now: Millis,
) -> HashMap<ConversationId, MarkerChanges> {
    let mut all: HashMap<ConversationId, MarkerChanges> = HashMap::new();
    for (conversation, user, moved) in plan.published_moves() {
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
        all.entry(conversation)
            .or_default()
            .moved
            .push(MemberMarkerMove {
                user: user.clone(),
                version: moved.version,
                at: moved.at,
                delivered: delivered.flatten(),
                read,
            });
    }
    for (conversation, raised) in &plan.raised {
        let Some(row) = plan.conversations.get(conversation) else {
            continue;
        };
        all.entry(*conversation).or_default().raised = Some(WatermarkRise {
            version: row.version,
            at: plan.watermark_time(*conversation, now),
            delivered: row.delivered_low,
            read: row.read_low,
            covers: covered_authors(raised.passed_ranges(*conversation), authors),
        });
    }
    for ((conversation, user), count) in counts {
        let marks = all.entry(conversation).or_default();
        marks.unread.push((user, count));
    }
    for marks in all.values_mut() {
        marks.moved.sort_by_key(|moved| moved.version);
    }
    all
}

/// The overall watermarks before and after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watermarks {
    /// The delivery and the read watermark.
    pub(super) before: (i64, i64),
    pub(super) after: (i64, i64),
}

impl Watermarks {
    /// Returns the ranges of messages that the watermarks passed.
    fn passed_ranges(&self, conversation: ConversationId) -> impl Iterator<Item = SeqRange> {
        let both = [(self.before.0, self.after.0), (self.before.1, self.after.1)];
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
    authors: &BTreeMap<SeqRange, Vec<UserId>>,
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

/// Queues the query for the authors in these ranges.
fn queue_authors(statements: &mut StatementBatch, ranges: &[SeqRange]) {
    if ranges.is_empty() {
        return;
    }
    let rest = format!(
        "FROM (SELECT DISTINCT v.column1, v.column2, v.column3, m.sender_id \
         FROM {} v CROSS JOIN message m WHERE m.conversation_id = v.column1 \
         AND m.seq > v.column2 AND m.seq <= v.column3 AND m.kind = 0) authors",
        sql::values_list(statements.backend(), ranges.len(), 3)
    );
    let columns = "column1, column2, column3, sender_id";
    let values = ranges.iter().flat_map(|range| {
        [
            Value::from(range.conversation),
            range.after.into(),
            range.up_to.into(),
        ]
    });
    statements.add(json_rows::sql(statements.backend(), columns, &rest), values);
}

/// Queues the query for unread counts.
fn queue_unread(statements: &mut StatementBatch, asked: &[(ConversationId, UserId)]) {
    if asked.is_empty() {
        return;
    }
    let rest = format!(
        "FROM {} v CROSS JOIN participant p CROSS JOIN conversation c \
         WHERE p.conversation_id = v.column1 AND p.user_id = v.column2 AND c.id = v.column1",
        sql::values_list(statements.backend(), asked.len(), 2)
    );
    let columns = format!("p.conversation_id, p.user_id, {UNREAD}");
    let values = asked
        .iter()
        .flat_map(|(conversation, user)| [Value::from(*conversation), Value::from(*user)]);
    statements.add(
        json_rows::sql(statements.backend(), &columns, &rest),
        values,
    );
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
