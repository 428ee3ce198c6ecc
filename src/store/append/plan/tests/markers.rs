//! Markers moved by marker commands and by posts in one batch.

use super::changes::{HERE, assigned_with, entry_by, found, leave, post, rename, rename_to};
use super::*;
use crate::store::append::batch_input::MessagePosition;
use crate::store::append::plan::clock::AHEAD_MAX;
use entity::receipt::ReceiptKind::{self, Delivered, Read};

/// Adds messages 1 to 9, of which the last two are system messages, and a
/// message of another conversation.
fn with_history() -> BatchInput {
    let mut found = found();
    if let Some(row) = found.conversations.get_mut(&HERE) {
        (row.last_seq, row.last_ord) = (9, 7);
    }
    for seq in 1..=9 {
        let place = MessagePosition {
            conversation: HERE,
            seq,
            ord: seq.min(7),
            created_at: Millis(0),
        };
        found.positions.insert(MessageId(seq), place);
    }
    let place = MessagePosition {
        conversation: ConversationId(2),
        seq: 3,
        ord: 3,
        created_at: Millis(0),
    };
    found.positions.insert(MessageId(99), place);
    found
}

fn mark(actor: i64, marks: &[(ReceiptKind, i64)]) -> AppendEntry {
    let marks = marks.iter().map(|(kind, id)| (MessageId(*id), *kind));
    entry_by(actor, ConversationAction::Mark(marks.collect()))
}

/// Checks the lowest markers of the direct conversation.
pub(super) fn check_lows(after: &DatabaseModel, plan: &BatchPlan) {
    let [one, two] = TWO.map(|user| after.marks[&(OF_TWO, user)]);
    let mut moved = plan.marker_advances.keys();
    let has_moved = moved.any(|(id, user)| *id == OF_TWO && TWO.contains(user));
    let lows = one.seqs().lowest(two.seqs());
    let known: Vec<_> = plan
        .lowest_markers
        .iter()
        .map(|(id, lows)| (*id, *lows))
        .collect();
    let expected = has_moved.then_some((OF_TWO, lows));
    assert_eq!(known, Vec::from_iter(expected));
}

/// Returns the version of each marker command, and its invisible messages.
fn marked(outcomes: &[AppendOutcome]) -> Vec<(Option<i64>, Vec<i64>)> {
    let marked = outcomes.iter().filter_map(|outcome| match outcome {
        AppendOutcome::Written(CommittedChange::Marked { version, unknown }) => {
            Some((Some(*version), unknown))
        }
        AppendOutcome::Unmoved { unknown } => Some((None, unknown)),
        _ => None,
    });
    let marked = marked.map(|(version, unknown)| {
        let unknown = unknown.iter().map(|id| id.0);
        (version, unknown.collect())
    });
    marked.collect()
}

fn of(plan: &BatchPlan, user: i64) -> &MarkerAdvance {
    &plan.marker_advances[&(HERE, UserId(user))]
}

#[test]
fn furthest_marker_of_each_kind_counts() {
    let batch = [
        mark(1, &[(Delivered, 4), (Delivered, 6), (Delivered, 5)]),
        mark(2, &[(Read, 5), (Delivered, 2)]),
    ];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(Some(11), vec![]), (Some(12), vec![])]);
    let (one, two) = (of(&plan, 1), of(&plan, 2));
    assert_eq!((one.delivered.seq, one.read.seq), (6, 0));
    assert_eq!((two.delivered.seq, two.read.seq, two.ord), (5, 5, 5));
    assert_eq!((one.read.covers, two.read.covers), (None, Some(5)));
}

#[test]
fn unmoved_marker_takes_no_version() {
    let batch = [mark(1, &[(Read, 9)]), mark(1, &[(Read, 3), (Delivered, 9)])];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(Some(11), vec![]), (None, vec![])]);
    assert_eq!(plan.marker_advances.len(), 1);
    let (outcomes, plan) = assigned_with(&[mark(1, &[])], with_history());
    assert_eq!(marked(&outcomes), [(None, vec![])]);
    assert!(plan.is_empty());
    // The same in a batch with an entry that is written.
    let batch = [mark(1, &[(Read, 9)]), mark(2, &[])];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(Some(11), vec![]), (None, vec![])]);
    assert_eq!(plan.marker_advances.len(), 1);
}

#[test]
fn invisible_message_moves_no_marker() {
    let mut found = with_history();
    if let Some(marks) = found.marks.get_mut(&(HERE, UserId(2))) {
        marks.joined = 4;
    }
    let asked = [(Read, 4), (Read, 99), (Read, 1_000), (Delivered, 5)];
    let (outcomes, plan) = assigned_with(&[mark(2, &asked)], found);
    assert_eq!(marked(&outcomes), [(Some(11), vec![4, 99, 1_000])]);
    let moved = of(&plan, 2);
    assert_eq!((moved.delivered.seq, moved.read.seq), (5, 0));
}

/// A user who reads and then sends causes one event with both moves.
#[test]
fn marker_and_post_are_one_move() {
    let batch = [mark(1, &[(Read, 6)]), post(2), post(1)];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(Some(11), vec![])]);
    let moved = of(&plan, 1);
    assert_eq!((moved.read.seq, moved.ord, moved.version), (11, 9, 13));
    assert_eq!(moved.read.covers, Some(10));
    assert!(moved.has_sent);
    // A marker before the user's own message doesn't move back.
    let batch = [post(1), mark(1, &[(Read, 6)])];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(None, vec![])]);
    assert_eq!(of(&plan, 1).read.seq, 10);
}

#[test]
fn system_message_keeps_previous_ord() {
    let (_, plan) = assigned_with(&[mark(1, &[(Read, 9)])], with_history());
    assert_eq!((of(&plan, 1).read.seq, of(&plan, 1).ord), (9, 7));
}

/// If anything before the change isn't delivered or read, the markers stay.
#[test]
fn actor_reads_change_if_caught_up() {
    let batch = [mark(1, &[(Read, 9)]), rename(), rename_to("Newer")];
    let (_, plan) = assigned_with(&batch, with_history());
    let moved = of(&plan, 1);
    assert_eq!((moved.delivered.seq, moved.read.seq), (11, 11));
    assert_eq!((moved.version, moved.ord), (13, 7));
    assert_eq!(
        (moved.delivered.covers, moved.read.covers),
        (Some(9), Some(9))
    );
    let batch = [mark(1, &[(Delivered, 9), (Read, 8)]), rename()];
    let (_, plan) = assigned_with(&batch, with_history());
    let moved = of(&plan, 1);
    assert_eq!((moved.delivered.seq, moved.read.seq), (10, 8));
    let (_, plan) = assigned_with(&[mark(1, &[(Delivered, 8)]), rename()], with_history());
    assert_eq!(of(&plan, 1).delivered.seq, 8);
}

/// No marker moves to a message that its user doesn't see: neither of a leaver,
/// nor of a former member who acts as server admin.
#[test]
fn nonmember_markers_stay_before_change() {
    let (_, plan) = assigned_with(&[mark(1, &[(Read, 9)]), leave()], with_history());
    assert_eq!(of(&plan, 1).read.seq, 9);
    let mut found = with_history();
    found.settings.get_mut(&(HERE, UserId(1))).unwrap().left_seq = Some(9);
    for marks in found.marks.values_mut() {
        (marks.delivered, marks.read, marks.read_ord) = (9, 9, 7);
    }
    let (_, plan) = assigned_with(&[rename()], found);
    assert_eq!(plan.marker_advances.len(), 0);
}

#[test]
fn times_follow_one_day_at_most() {
    const NOW: Millis = Millis(1_000_000_000_000);
    let at = |after: i64| Millis(NOW.0 + after);
    for (last, expected) in [
        (None, Some(NOW)),
        (Some(at(-1)), Some(NOW)),
        (Some(at(AHEAD_MAX)), Some(at(AHEAD_MAX))),
        (Some(at(AHEAD_MAX + 1)), None),
    ] {
        assert_eq!(monotonic_time(last, NOW), expected, "{last:?}");
    }
}
