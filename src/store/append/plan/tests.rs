//! Random batches in sequence, compared with a model of the expected outcomes.

mod changes;
mod conversation_cache;
mod fixtures;
mod markers;

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::protocol::{ClientId, MessageText, User};
use crate::store::append::batch_input::{
    ConversationVersions, DirectPeer, LockedConversation, MemberMarkers, MemberSettings,
};
use crate::store::messages::QuotableMessage;
use fixtures::{as_post, finished, quote, row};

/// The last conversation doesn't exist.
const CONVERSATIONS: i64 = 4;
/// The last user is in no conversation.
const USERS: i64 = 4;
const MEMBERS_VERSION: i64 = 5;
/// A direct conversation and its two users. The third user stays outside.
const OF_TWO: ConversationId = ConversationId(1);
const TWO: [UserId; 2] = [UserId(1), UserId(2)];

/// An entry of a batch. All numbers are small, so that entries often have the
/// same sender, `client_id` or conversation.
#[derive(Clone, Debug)]
struct GeneratedEntry {
    conversation: i64,
    sender: i64,
    name: Option<u8>,
    answers: Option<i64>,
    is_stale: bool,
    is_refused: bool,
}

#[derive(Clone, Debug)]
struct GeneratedBatch {
    entries: Vec<GeneratedEntry>,
    /// The clock, which may go back.
    now: i64,
    /// A conversation and a user who reads all of it before the batch.
    reads: Option<(i64, i64)>,
}

fn entry() -> impl Strategy<Value = GeneratedEntry> {
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    let name = prop::option::of(0u8..6);
    let answers = prop::option::weighted(0.2, 1i64..30);
    (1..=CONVERSATIONS, 1..=USERS, name, answers, flags).prop_map(
        |(conversation, sender, name, answers, (is_stale, is_refused))| GeneratedEntry {
            conversation,
            sender,
            name,
            answers,
            is_stale,
            is_refused,
        },
    )
}

fn batch() -> impl Strategy<Value = GeneratedBatch> {
    let entries = prop::collection::vec(entry(), 1..30);
    let reads = prop::option::of((1..CONVERSATIONS, 1..USERS));
    (entries, 1_000i64..2_000, reads).prop_map(|(entries, now, reads)| GeneratedBatch {
        entries,
        now,
        reads,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Numbers are dense in each conversation, and only new messages get one.
    /// Duplicates get the first message. Rejected and stale entries write
    /// nothing. Markers move to the last own message. Times never go back.
    #[test]
    fn random_batches_match_model(batches in prop::collection::vec(batch(), 1..5)) {
        let mut disk = DatabaseModel::new();
        for batch in batches {
            disk.read(&batch);
            let now = Millis(batch.now);
            let appends: Vec<AppendEntry> = batch.entries.iter().map(GeneratedEntry::append).collect();
            let ids: Vec<i64> = disk.fresh_ids(appends.len());
            let stamp = BatchStamp { ids: ids.clone(), now };
            let (outcomes, plan) = finished(plan_batch(&appends, disk.found(), stamp));
            prop_assert_eq!(outcomes.len(), appends.len());
            let expected = disk.clone().expect(&appends, &outcomes, now);
            check_plan(&disk, &expected, &plan);
            for new in &plan.messages {
                prop_assert!(ids.contains(&new.message.id.0));
            }
            disk = expected;
        }
    }
}

/// The plan writes exactly the messages that were reported as new, in that
/// order.
fn check_plan(before: &DatabaseModel, after: &DatabaseModel, plan: &BatchPlan) {
    let written = &after.messages[before.messages.len()..];
    assert_eq!(plan.is_empty(), written.is_empty());
    assert_eq!(plan.messages.len(), written.len());
    for (new, expected) in plan.messages.iter().zip(written) {
        assert_eq!(new.message.id, expected.id);
        assert_eq!(new.ord, expected.seq, "there are only text messages here");
        assert_eq!(new.furthest, StatusCeiling::Read);
    }
    let touched: Vec<_> = plan.conversations.keys().copied().collect();
    let mut expected: Vec<_> = written
        .iter()
        .map(|message| message.conversation_id)
        .collect();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(touched, expected);
    for (id, row) in &plan.conversations {
        let expected = &after.rows[id];
        assert_eq!(row.last_seq, expected.last_seq);
        assert_eq!(row.last_ord, expected.last_ord);
        assert_eq!(row.version, expected.version);
        assert_eq!(row.last_message_id, expected.last_message_id);
        assert_eq!(row.last_message_at, expected.last_message_at);
    }
    check_moves(before, after, plan);
    markers::check_lows(after, plan);
}

fn check_moves(before: &DatabaseModel, after: &DatabaseModel, plan: &BatchPlan) {
    let moved = after
        .marks
        .iter()
        .filter(|(key, marks)| before.marks[key].read != marks.read);
    assert_eq!(plan.marker_advances.len(), moved.count());
    for (&(conversation, user), moved) in &plan.marker_advances {
        let (old, new) = (
            before.marks[&(conversation, user)],
            after.marks[&(conversation, user)],
        );
        assert_eq!(moved.before, old);
        assert_eq!((moved.read.seq, moved.ord), (new.read, new.read));
        assert_eq!(moved.delivered.seq, moved.read.seq);
        let mine = after.at(conversation, moved.read.seq);
        assert_eq!((mine.sender.id, mine.version), (user, moved.version));
        let covered = (old.read + 1..moved.read.seq).rev();
        let others = |seq: &i64| after.at(conversation, *seq).sender.id != user;
        assert_eq!(moved.read.covers, covered.into_iter().find(others));
    }
}

/// A model of the database before and after a batch.
#[derive(Clone)]
struct DatabaseModel {
    rows: HashMap<ConversationId, LockedConversation>,
    marks: HashMap<(ConversationId, UserId), MemberMarkers>,
    messages: Vec<Arc<Message>>,
    ids: i64,
}

impl DatabaseModel {
    fn new() -> Self {
        let rows = (1..CONVERSATIONS).map(|id| (ConversationId(id), row(id)));
        let marks = (1..CONVERSATIONS).flat_map(|id| {
            let marks = MemberMarkers {
                joined: 0,
                delivered: 0,
                read: 0,
                read_ord: 0,
            };
            (1..USERS).map(move |user| ((ConversationId(id), UserId(user)), marks))
        });
        Self {
            rows: rows.collect(),
            marks: marks.collect(),
            messages: Vec::new(),
            ids: 1,
        }
    }

    /// Returns ids in no useful order, as id blocks may.
    fn fresh_ids(&mut self, count: usize) -> Vec<i64> {
        let first = self.ids;
        self.ids += count as i64;
        (first..self.ids).rev().collect()
    }

    fn found(&self) -> BatchInput {
        let named = self.messages.iter().filter_map(|message| {
            let name = ClientId::parse(message.client_id.as_deref()?).unwrap();
            Some(((message.sender.id, name), Arc::clone(message)))
        });
        let quotable = self.messages.iter().map(|message| {
            let quotable = QuotableMessage {
                conversation: message.conversation_id,
                quote: quote(message),
            };
            (message.id, quotable)
        });
        let [one, two] = TWO;
        let peers = [(one, two), (two, one)].map(|(user, other)| {
            let markers = self.marks[&(OF_TWO, other)].seqs();
            let peer = DirectPeer {
                user: other,
                markers,
            };
            ((OF_TWO, user), peer)
        });
        let rows = self.rows.iter();
        BatchInput {
            conversations: rows
                .map(|(id, row)| (*id, row.clone().into_base()))
                .collect(),
            marks: self.marks.clone(),
            peers: peers.into(),
            sent_messages: named.collect(),
            quotable: quotable.collect(),
            ..BatchInput::default()
        }
    }

    fn read(&mut self, batch: &GeneratedBatch) {
        if let Some((conversation, user)) = batch.reads {
            let conversation = ConversationId(conversation);
            let row = self.rows.get_mut(&conversation).expect("exists");
            row.version += 1;
            let last = row.last_seq;
            let marks = MemberMarkers {
                joined: 0,
                delivered: last,
                read: last,
                read_ord: last,
            };
            self.marks.insert((conversation, UserId(user)), marks);
        }
    }

    fn at(&self, conversation: ConversationId, seq: i64) -> &Message {
        let mut messages = self.messages.iter();
        messages
            .find(|message| message.conversation_id == conversation && message.seq == seq)
            .expect("dense")
    }

    /// Only messages from before the batch can be quoted.
    fn expect(mut self, appends: &[AppendEntry], outcomes: &[AppendOutcome], now: Millis) -> Self {
        let quotable = self.messages.clone();
        for (append, outcome) in appends.iter().zip(outcomes) {
            match (self.expected(append, &quotable), outcome) {
                (ExpectedOutcome::Stale, AppendOutcome::Stale) => {}
                (ExpectedOutcome::Refused(code), AppendOutcome::Refused(problem)) => {
                    assert_eq!(problem.code, code);
                }
                (ExpectedOutcome::Known(first), AppendOutcome::AlreadySent(message)) => {
                    assert!(Arc::ptr_eq(&first, message));
                }
                (
                    ExpectedOutcome::New,
                    AppendOutcome::Written(CommittedChange::Posted { message, .. }),
                ) => self.post(append, message, now),
                (expected, outcome) => panic!("{append:?}: {expected:?}, not {outcome:?}"),
            }
        }
        self
    }

    fn expected(&self, append: &AppendEntry, quotable: &[Arc<Message>]) -> ExpectedOutcome {
        let key = (append.conversation, append.actor.id);
        if !self.rows.contains_key(&append.conversation) {
            return ExpectedOutcome::Refused(ErrorCode::NotFound);
        }
        if append.members_version != MEMBERS_VERSION {
            return ExpectedOutcome::Stale;
        }
        let first = self.messages.iter().find(|message| {
            let name = as_post(append).client_id.as_ref().map(ClientId::as_str);
            name.is_some() && message.sender.id == key.1 && message.client_id.as_deref() == name
        });
        let quoted = |id| quotable.iter().find(|message| message.id == id);
        match (first, &append.verdict, as_post(append).reply_to.map(quoted)) {
            (Some(first), ..) if first.conversation_id == append.conversation => {
                ExpectedOutcome::Known(Arc::clone(first))
            }
            (Some(_), ..) if !self.marks.contains_key(&key) => {
                ExpectedOutcome::Refused(ErrorCode::NotFound)
            }
            (Some(_), ..) => ExpectedOutcome::Refused(ErrorCode::ClientIdReused),
            // A user who was never a member must not learn that the
            // conversation exists.
            (_, Err(_), _) if !self.marks.contains_key(&key) => {
                ExpectedOutcome::Refused(ErrorCode::NotFound)
            }
            (_, Err(problem), _) => ExpectedOutcome::Refused(problem.code),
            (_, _, Some(Some(quoted))) if quoted.conversation_id == append.conversation => {
                ExpectedOutcome::New
            }
            (_, _, Some(_)) => ExpectedOutcome::Refused(ErrorCode::Invalid),
            (_, _, None) => ExpectedOutcome::New,
        }
    }

    fn post(&mut self, append: &AppendEntry, message: &Arc<Message>, now: Millis) {
        let row = self.rows.get_mut(&append.conversation).expect("exists");
        row.last_seq += 1;
        row.last_ord += 1;
        row.version += 1;
        let at = row.last_message_at.map_or(now, |last| last.max(now));
        row.last_message_at = Some(at);
        row.last_message_id = Some(message.id);
        assert_eq!((message.seq, message.version), (row.last_seq, row.version));
        assert_eq!((message.conversation_id, message.created_at), (row.id, at));
        assert_eq!(message.sender, append.actor);
        assert_eq!(
            Ok(message.text.as_str()),
            as_post(append).text.as_ref().map(MessageText::as_str)
        );
        let name = as_post(append).client_id.as_ref().map(ClientId::as_str);
        assert_eq!(message.client_id.as_deref(), name);
        let quoted = message.reply_to.as_ref().map(|quote| quote.id);
        assert_eq!(quoted, as_post(append).reply_to);
        if let Some(marks) = self.marks.get_mut(&(row.id, message.sender.id)) {
            *marks = MemberMarkers {
                joined: 0,
                delivered: message.seq,
                read: message.seq,
                read_ord: message.seq,
            };
        }
        assert!(self.messages.iter().all(|other| other.id != message.id));
        self.messages.push(Arc::clone(message));
    }
}

#[derive(Debug)]
enum ExpectedOutcome {
    New,
    Known(Arc<Message>),
    Refused(ErrorCode),
    Stale,
}

impl GeneratedEntry {
    fn append(&self) -> AppendEntry {
        let refused = Problem::not_a_participant();
        AppendEntry {
            conversation: ConversationId(self.conversation),
            members_version: MEMBERS_VERSION - i64::from(self.is_stale),
            verdict: if self.is_refused {
                Err(refused)
            } else {
                Ok(())
            },
            has_others: true,
            has_archived: false,
            actor: User {
                id: UserId(self.sender),
                username: format!("user{}", self.sender),
                display_name: String::new(),
            },
            may_moderate: false,
            action: ConversationAction::Send(Arc::new(SubmittedMessage {
                text: Ok(MessageText::parse("hello").unwrap()),
                client_id: self
                    .name
                    .map(|name| ClientId::parse(&name.to_string()).unwrap()),
                reply_to: self.answers.map(MessageId),
            })),
        }
    }
}
