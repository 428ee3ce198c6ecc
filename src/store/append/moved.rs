//! What a batch moved beside what was asked for: whose marks stand further,
//! whose messages that newly covers, and what is left to read for whoever
//! moved. Marks are told by this, whether somebody asked for that or sent a
//! message.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::conversation::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};
use sea_orm::{QueryResult, Value};

use super::plan::{Move, Plan, Stand};
use super::script::Script;
use super::sql;
use crate::protocol::User;
use crate::store::conversations::UNREAD;
use crate::store::{Result, TELLS_EACH_UP_TO, piece};

/// Whoever covers more messages at once is told of to all.
const AUTHORS_LOOKED_FOR_UP_TO: i64 = 1_000;

/// What moved in one conversation.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Those whose marks moved over others' messages, in the order of their
    /// versions.
    pub moved: Vec<Moved>,
    pub raised: Option<Raised>,
    /// What is unread for those whose marks moved, after the whole batch.
    pub unread: Vec<(UserId, i64)>,
}

/// Somebody's marks stand further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub user: User,
    pub version: i64,
    pub at: Millis,
    /// Where it moved beyond what they have read.
    pub delivered: Option<Step>,
    pub read: Option<Step>,
}

/// Where a mark stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub message: MessageId,
    pub seq: i64,
    pub covers: Authors,
}

/// The overall marks stand further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    pub version: i64,
    pub at: Millis,
    pub delivered: i64,
    pub read: i64,
    pub covers: Authors,
}

/// Whose messages are newly covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authors {
    /// Everybody else's, or too many to look.
    All,
    These(Vec<UserId>),
}

/// The messages after a `seq` and up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stretch {
    conversation: ConversationId,
    after: i64,
    up_to: i64,
}

/// What is to be told of the marks that a batch moved, and is only known after
/// the writing.
pub(super) struct Asked {
    /// Of whom the authors were asked for.
    stretches: Vec<Stretch>,
    /// Whose unread messages were asked for.
    counted: Vec<(ConversationId, UserId)>,
    /// What is unread for those who needn't be asked for.
    known: Counts,
}

type Counts = Vec<((ConversationId, UserId), i64)>;

/// Asks for it, behind what is written.
pub(super) fn ask(script: &mut Script, plan: &Plan) -> Asked {
    let mut stretches = BTreeSet::new();
    for (conversation, _, moved) in plan.told_moves() {
        stretches.extend(stretch(
            conversation,
            moved.before.delivered,
            moved.delivered,
        ));
        stretches.extend(stretch(conversation, moved.before.read, moved.read));
    }
    for (conversation, raised) in &plan.raised {
        stretches.extend(raised.stretches(*conversation));
    }
    // Of two people, everything after one's own mark is the other's.
    stretches.retain(|stretch| !plan.is_direct(stretch.conversation));
    stretches.retain(|stretch| stretch.up_to - stretch.after <= AUTHORS_LOOKED_FOR_UP_TO);
    let stretches: Vec<Stretch> = stretches.into_iter().collect();
    ask_authors(script, &stretches);
    let (mut known, mut counted) = (Counts::new(), Vec::new());
    for (key, moved) in &plan.moves {
        match known_unread(plan, key.0, moved) {
            Some(count) => known.push((*key, count)),
            None => counted.push(*key),
        }
    }
    ask_unread(script, &counted);
    Asked {
        stretches,
        counted,
        known,
    }
}

impl Asked {
    /// What moved, with the last of these answers.
    pub(super) fn moved(
        self,
        plan: &Plan,
        answers: &[QueryResult],
        now: Millis,
    ) -> Result<HashMap<ConversationId, Marks>> {
        let mut last = answers.iter().rev();
        let mut counts = self.known;
        if !self.counted.is_empty() {
            let rows = last.next().map(piece::of::<(_, _, i64)>).transpose()?;
            let rows = rows.into_iter().flatten();
            counts.extend(rows.map(|(conversation, user, count)| ((conversation, user), count)));
        }
        let mut authors: BTreeMap<Stretch, Vec<UserId>> = self
            .stretches
            .iter()
            .map(|stretch| (*stretch, Vec::new()))
            .collect();
        if !authors.is_empty() {
            let rows = last
                .next()
                .map(piece::of::<(_, _, _, UserId)>)
                .transpose()?;
            for (conversation, after, up_to, author) in rows.into_iter().flatten() {
                let stretch = Stretch {
                    conversation,
                    after,
                    up_to,
                };
                authors.entry(stretch).or_default().push(author);
            }
        }
        Ok(told(plan, (&authors, counts), now))
    }
}

fn told(
    plan: &Plan,
    (authors, counts): (&BTreeMap<Stretch, Vec<UserId>>, Counts),
    now: Millis,
) -> HashMap<ConversationId, Marks> {
    let mut all: HashMap<ConversationId, Marks> = HashMap::new();
    for (conversation, user, moved) in plan.told_moves() {
        let step = |before: i64, stand: Stand| {
            let stretch = stretch(conversation, before, stand)?;
            Some(Step {
                message: stand.message?,
                seq: stand.seq,
                covers: covered([stretch], authors),
            })
        };
        let read = step(moved.before.read, moved.read);
        let delivered = (moved.delivered.seq > moved.read.seq)
            .then(|| step(moved.before.delivered, moved.delivered));
        all.entry(conversation).or_default().moved.push(Moved {
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
        all.entry(*conversation).or_default().raised = Some(Raised {
            version: row.version,
            at: plan.raised_at(*conversation, now),
            delivered: row.delivered_low,
            read: row.read_low,
            covers: covered(raised.stretches(*conversation), authors),
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

/// Where the overall marks stood before a batch, and stand after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lows {
    /// Delivered and read.
    pub(super) before: (i64, i64),
    pub(super) after: (i64, i64),
}

impl Lows {
    /// What each of them passed.
    fn stretches(&self, conversation: ConversationId) -> impl Iterator<Item = Stretch> {
        let both = [(self.before.0, self.after.0), (self.before.1, self.after.1)];
        let passed = both.into_iter().filter(|(before, after)| before < after);
        passed.map(move |(after, up_to)| Stretch {
            conversation,
            after,
            up_to,
        })
    }
}

/// What a mark passed that others wrote.
fn stretch(conversation: ConversationId, before: i64, stand: Stand) -> Option<Stretch> {
    let up_to = stand.covers?;
    Some(Stretch {
        conversation,
        after: before,
        up_to,
    })
}

/// All of those who wrote in these stretches, where that was looked for.
fn covered(
    stretches: impl IntoIterator<Item = Stretch>,
    authors: &BTreeMap<Stretch, Vec<UserId>>,
) -> Authors {
    let mut all = BTreeSet::new();
    for stretch in stretches {
        match authors.get(&stretch) {
            Some(found) => all.extend(found.iter().copied()),
            None => return Authors::All,
        }
    }
    Authors::These(all.into_iter().collect())
}

/// Asks who wrote what stands in these stretches.
fn ask_authors(script: &mut Script, stretches: &[Stretch]) {
    if stretches.is_empty() {
        return;
    }
    let rest = format!(
        "FROM (SELECT DISTINCT v.column1, v.column2, v.column3, m.sender_id \
         FROM {} v CROSS JOIN message m WHERE m.conversation_id = v.column1 \
         AND m.seq > v.column2 AND m.seq <= v.column3 AND m.kind = 0) authors",
        sql::values(script.backend(), stretches.len(), 3)
    );
    let columns = "column1, column2, column3, sender_id";
    let values = stretches.iter().flat_map(|stretch| {
        [
            Value::from(stretch.conversation),
            stretch.after.into(),
            stretch.up_to.into(),
        ]
    });
    script.add(piece::sql(script.backend(), columns, &rest), values);
}

/// Asks what is unread for these.
fn ask_unread(script: &mut Script, asked: &[(ConversationId, UserId)]) {
    if asked.is_empty() {
        return;
    }
    let rest = format!(
        "FROM {} v CROSS JOIN participant p CROSS JOIN conversation c \
         WHERE p.conversation_id = v.column1 AND p.user_id = v.column2 AND c.id = v.column1",
        sql::values(script.backend(), asked.len(), 2)
    );
    let columns = format!("p.conversation_id, p.user_id, {UNREAD}");
    let values = asked
        .iter()
        .flat_map(|(conversation, user)| [Value::from(*conversation), Value::from(*user)]);
    script.add(piece::sql(script.backend(), &columns, &rest), values);
}

/// What is unread for who moved, where that is known without asking: whoever
/// stands at the end, or sent something in this batch.
fn known_unread(plan: &Plan, conversation: ConversationId, moved: &Move) -> Option<i64> {
    let last = plan.conversations.get(&conversation)?.last_ord;
    let mut touches = plan.touches.iter();
    let is_touched = touches.any(|touch| touch.conversation == conversation);
    match moved.ord == last || (moved.has_sent && !is_touched) {
        true => Some(last - moved.ord),
        false => None,
    }
}

impl Plan {
    fn is_direct(&self, conversation: ConversationId) -> bool {
        let row = self.conversations.get(&conversation);
        row.is_some_and(|row| row.kind == Kind::Direct)
    }

    /// The moves over others' messages, where those are told.
    fn told_moves(&self) -> impl Iterator<Item = (ConversationId, &User, &Move)> {
        let moves = self.moves.iter().filter(|((conversation, _), moved)| {
            let row = self.conversations.get(conversation);
            row.is_some_and(|row| row.participant_count <= TELLS_EACH_UP_TO)
                && (moved.delivered.covers.is_some() || moved.read.covers.is_some())
        });
        moves.map(|((conversation, _), moved)| (*conversation, &moved.user, moved))
    }
}
