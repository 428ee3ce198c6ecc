use entity::Millis;

use super::*;
use crate::engine::ports::{Frame, Reach};

const HERE: ConversationId = ConversationId(1);
const THERE: ConversationId = ConversationId(2);

/// Room for three of these deliveries.
const BUDGET: usize = 30;

fn telling(conversation: ConversationId, version: i64) -> Deliver {
    let frame = Frame {
        reach: Reach::Talk,
        conversation: Some(conversation),
        version,
        text: version.to_string().into(),
    };
    Deliver {
        frames: [frame].into(),
        unread: None,
        bytes: 10,
    }
}

fn counting(conversation: ConversationId, version: i64, count: i64) -> Deliver {
    let unread = Unread {
        conversation,
        count,
        muted_until: None::<Millis>,
        is_away: false,
    };
    Deliver {
        unread: Some(unread),
        ..telling(conversation, version)
    }
}

fn passes(gate: &Gate, delivery: Deliver) -> bool {
    gate.admit(delivery, BUDGET).is_some()
}

/// The versions that deliveries tell, and counts as negative numbers.
fn told(deliveries: &[Deliver]) -> Vec<i64> {
    let told = deliveries.iter().map(|delivery| {
        let frame = delivery.frames.first().map(|frame| frame.version);
        let count = delivery.unread.map(|unread| -unread.count);
        frame.or(count).unwrap()
    });
    told.collect()
}

#[test]
fn an_open_gate_is_none() {
    let gate = Gate::default();
    assert!(passes(&gate, telling(HERE, 1)));
    gate.shut(Shut::One(HERE));
    assert!(!passes(&gate, telling(HERE, 2)));
    assert!(passes(&gate, telling(THERE, 1)));
    assert_eq!(told(&gate.open(HERE)), [0; 0]);
    assert!(passes(&gate, telling(HERE, 3)));
}

#[test]
fn what_changes_nothing_lasting_passes_or_is_kept_in_its_place() {
    let gate = Gate::default();
    gate.shut(Shut::One(HERE));
    assert!(passes(&gate, telling(HERE, 0)));
    gate.hold(vec![HERE]);
    for version in [7, 0, 8] {
        assert!(!passes(&gate, telling(HERE, version)));
    }
    assert_eq!(told(&gate.open_held().unwrap()), [7, 0, 8]);
    gate.shut(Shut::One(HERE));
    gate.hold(vec![HERE]);
    for version in [9, 0] {
        assert!(!passes(&gate, telling(HERE, version)));
    }
    assert_eq!(told(&gate.let_go()), [0]);
    assert!(!passes(&gate, telling(HERE, 10)), "it is shut all the same");
}

/// Guards the memory of whoever catches up, and that they aren't let go.
#[test]
fn too_much_is_dropped_and_nothing_opens() {
    let gate = Gate::default();
    gate.shut(Shut::One(HERE));
    gate.hold(vec![HERE]);
    assert!(!passes(&gate, telling(HERE, 0)));
    for version in 1..=10 {
        assert!(!passes(&gate, telling(HERE, version)));
    }
    assert!(passes(&gate, telling(HERE, 0)), "it isn't kept any more");
    assert_eq!(told(&gate.open_held().unwrap_err()), [0]);
    assert!(!passes(&gate, telling(HERE, 11)));
    gate.hold(vec![HERE]);
    let large = Deliver {
        bytes: 10 * BUDGET,
        ..telling(HERE, 12)
    };
    assert!(!passes(&gate, large));
    assert_eq!(told(&gate.open_held().unwrap()), [12], "one of any size");
}

#[test]
fn it_stays_shut_for_what_is_newer_than_it_was_brought_to() {
    let gate = Gate::default();
    gate.shut(Shut::AllBut([].into()));
    for delivery in [telling(HERE, 5), telling(THERE, 3), telling(HERE, 4)] {
        assert!(!passes(&gate, delivery));
    }
    let brought = |here| [(HERE, here), (THERE, 3)].into();
    assert_eq!(gate.finish(&brought(4)).unwrap_err(), [HERE]);
    assert_eq!(gate.finish(&[].into()).unwrap_err(), [HERE, THERE]);
    assert!(!passes(&gate, telling(THERE, 3)));
    assert!(gate.finish(&brought(5)).unwrap().is_empty());
    assert!(passes(&gate, telling(HERE, 6)));
}

#[test]
fn one_after_the_other_is_opened() {
    let gate = Gate::default();
    gate.shut(Shut::AllBut([].into()));
    gate.hold(vec![HERE]);
    assert!(!passes(&gate, telling(HERE, 1)));
    assert!(!passes(&gate, telling(THERE, 1)));
    assert_eq!(told(&gate.open_held().unwrap()), [1]);
    assert!(passes(&gate, telling(HERE, 2)));
    assert!(!passes(&gate, telling(THERE, 2)));
    assert_eq!(gate.finish(&[].into()).unwrap_err(), [THERE]);
}

#[test]
fn the_newest_count_outlives_what_it_came_with() {
    let gate = Gate::default();
    gate.shut(Shut::AllBut([].into()));
    for (version, count) in [(1, 10), (2, 20)] {
        assert!(!passes(&gate, counting(HERE, version, count)));
    }
    assert!(!passes(&gate, counting(THERE, 1, 30)));
    gate.hold(vec![HERE]);
    assert!(!passes(&gate, telling(HERE, 3)));
    assert_eq!(told(&gate.open_held().unwrap()), [-20, 3]);
    let rest = gate.finish(&[(THERE, 1)].into()).unwrap();
    assert_eq!(told(&rest), [-30]);
}

/// Guards the order of counts: those that came when it was too much already
/// are newer than those that were kept before.
#[test]
fn the_newest_count_is_told_however_much_was_held() {
    let gate = Gate::default();
    gate.shut(Shut::One(HERE));
    gate.hold(vec![HERE]);
    for version in 1..=6 {
        assert!(!passes(&gate, counting(HERE, version, version)));
    }
    let Err(passing) = gate.open_held() else {
        panic!("it was too much");
    };
    assert_eq!(told(&passing), [0; 0]);
    assert_eq!(told(&gate.open(HERE)), [-6]);
}
