//! Marks that people move by themselves, and by sending, in one batch.

use super::changes::{HERE, assigned_with, by, found, leave, post, rename, rename_to};
use super::*;
use crate::store::append::Mark;
use crate::store::append::look::Place;
use entity::receipt::Kind::{self, Delivered, Read};

/// Messages 1 to 9 are there, of which the last are system messages, and one
/// of another conversation.
fn with_history() -> Found {
    let mut found = found();
    if let Some(row) = found.conversations.get_mut(&HERE) {
        (row.last_seq, row.last_ord) = (9, 7);
    }
    for seq in 1..=9 {
        let place = Place {
            conversation: HERE,
            seq,
            ord: seq.min(7),
            created_at: Millis(0),
        };
        found.places.insert(MessageId(seq), place);
    }
    let place = Place {
        conversation: ConversationId(2),
        seq: 3,
        ord: 3,
        created_at: Millis(0),
    };
    found.places.insert(MessageId(99), place);
    found
}

fn mark(actor: i64, marks: &[(Kind, i64)]) -> Append {
    let marks = marks.iter().map(|(kind, id)| Mark {
        kind: *kind,
        message: MessageId(*id),
    });
    by(actor, What::Mark(marks.collect()))
}

/// In the conversation of two it is known where whoever is behind stands.
pub(super) fn check_lows(after: &Disk, plan: &Plan) {
    let [one, two] = TWO.map(|user| after.marks[&(OF_TWO, user)]);
    let mut moved = plan.moves.keys();
    let has_moved = moved.any(|(id, user)| *id == OF_TWO && TWO.contains(user));
    let lows = (one.delivered.min(two.delivered), one.read.min(two.read));
    let known: Vec<_> = plan.lows.iter().map(|(id, lows)| (*id, *lows)).collect();
    let expected = has_moved.then_some((OF_TWO, lows));
    assert_eq!(known, Vec::from_iter(expected));
}

/// The version that each took, and what nobody there can see.
fn marked(outcomes: &[Outcome]) -> Vec<(Option<i64>, Vec<i64>)> {
    let marked = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Marked { version, unknown } => {
            let unknown = unknown.iter().map(|id| id.0).collect();
            Some((*version, unknown))
        }
        _ => None,
    });
    marked.collect()
}

fn of(plan: &Plan, user: i64) -> &Move {
    &plan.moves[&(HERE, UserId(user))]
}

#[test]
fn the_furthest_of_each_kind_counts_and_reading_implies_delivery() {
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
fn what_moves_nothing_takes_no_version_and_writes_nothing() {
    let batch = [mark(1, &[(Read, 9)]), mark(1, &[(Read, 3), (Delivered, 9)])];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(Some(11), vec![]), (None, vec![])]);
    assert_eq!(plan.moves.len(), 1);
    let (outcomes, plan) = assigned_with(&[mark(1, &[])], with_history());
    assert_eq!(marked(&outcomes), [(None, vec![])]);
    assert!(plan.is_empty());
    // Beside something that is written, too.
    let batch = [mark(1, &[(Read, 9)]), mark(2, &[])];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(Some(11), vec![]), (None, vec![])]);
    assert_eq!(plan.moves.len(), 1);
}

#[test]
fn what_one_cannot_see_moves_nothing_and_the_rest_does() {
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

/// Whoever reads and then answers is told of once, with both in it.
#[test]
fn a_mark_and_a_message_of_one_person_are_one_move() {
    let batch = [mark(1, &[(Read, 6)]), post(2), post(1)];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(Some(11), vec![])]);
    let moved = of(&plan, 1);
    assert_eq!((moved.read.seq, moved.ord, moved.version), (11, 9, 13));
    assert_eq!(moved.read.covers, Some(10));
    assert!(moved.has_sent);
    // What a message of one's own stands behind can't move one back.
    let batch = [post(1), mark(1, &[(Read, 6)])];
    let (outcomes, plan) = assigned_with(&batch, with_history());
    assert_eq!(marked(&outcomes), [(None, vec![])]);
    assert_eq!(of(&plan, 1).read.seq, 10);
}

#[test]
fn a_system_message_stands_at_the_count_of_those_before() {
    let (_, plan) = assigned_with(&[mark(1, &[(Read, 9)])], with_history());
    assert_eq!((of(&plan, 1).read.seq, of(&plan, 1).ord), (9, 7));
}

/// Where something is left to get, or to read, before it, that stays so.
#[test]
fn who_changes_something_has_read_that_where_they_had_read_all_before_it() {
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

/// Nobody stands at what they don't see: who goes by it, and who acts from
/// outside where they were in once.
#[test]
fn who_is_not_in_after_a_change_has_not_read_it() {
    let (_, plan) = assigned_with(&[mark(1, &[(Read, 9)]), leave()], with_history());
    assert_eq!(of(&plan, 1).read.seq, 9);
    let mut found = with_history();
    found.own.get_mut(&(HERE, UserId(1))).unwrap().left = Some(9);
    for marks in found.marks.values_mut() {
        (marks.delivered, marks.read, marks.read_ord) = (9, 9, 7);
    }
    let (_, plan) = assigned_with(&[rename()], found);
    assert_eq!(plan.moves.len(), 0);
}

#[test]
fn times_follow_a_day_ahead_at_most() {
    const NOW: Millis = Millis(1_000_000_000_000);
    let at = |after: i64| Millis(NOW.0 + after);
    for (last, expected) in [
        (None, Some(NOW)),
        (Some(at(-1)), Some(NOW)),
        (Some(at(AHEAD_MAX)), Some(at(AHEAD_MAX))),
        (Some(at(AHEAD_MAX + 1)), None),
    ] {
        assert_eq!(not_before(last, NOW), expected, "{last:?}");
    }
}
