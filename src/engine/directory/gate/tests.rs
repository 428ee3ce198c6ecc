use entity::Millis;

use super::*;
use crate::engine::ports::{EventFrame, FrameAudience};

const HERE: ConversationId = ConversationId(1);
const THERE: ConversationId = ConversationId(2);

/// Room for three of these deliveries.
const BUDGET: usize = 30;

fn change_delivery(conversation: ConversationId, version: i64) -> SessionDelivery {
    let frame = EventFrame {
        audience: FrameAudience::Conversation,
        conversation: Some(conversation),
        version,
        text: version.to_string().into(),
    };
    SessionDelivery {
        frames: [frame].into(),
        unread: None,
        bytes: 10,
    }
}

fn unread_delivery_at(conversation: ConversationId, version: i64, count: i64) -> SessionDelivery {
    let unread = UnreadNotice {
        conversation,
        count,
        muted_until: None::<Millis>,
        is_excluded: false,
    };
    SessionDelivery {
        unread: Some(unread),
        ..change_delivery(conversation, version)
    }
}

fn passes(gate: &DeliveryGate, delivery: SessionDelivery) -> bool {
    gate.admit(delivery, BUDGET).is_some()
}

/// Returns the versions of deliveries, and counts as negative numbers.
fn delivered_versions(deliveries: &[SessionDelivery]) -> Vec<i64> {
    let versions = deliveries.iter().map(|delivery| {
        let frame = delivery.frames.first().map(|frame| frame.version);
        let count = delivery.unread.map(|unread| -unread.count);
        frame.or(count).unwrap()
    });
    versions.collect()
}

#[test]
fn gate_closes_only_named_conversation() {
    let gate = DeliveryGate::default();
    assert!(passes(&gate, change_delivery(HERE, 1)));
    gate.close(ClosedConversations::One(HERE));
    assert!(!passes(&gate, change_delivery(HERE, 2)));
    assert!(passes(&gate, change_delivery(THERE, 1)));
    assert_eq!(delivered_versions(&gate.open(HERE)), [0; 0]);
    assert!(passes(&gate, change_delivery(HERE, 3)));
}

#[test]
fn transient_delivery_keeps_its_place() {
    let gate = DeliveryGate::default();
    gate.close(ClosedConversations::One(HERE));
    assert!(passes(&gate, change_delivery(HERE, 0)));
    gate.hold(vec![HERE]);
    for version in [7, 0, 8] {
        assert!(!passes(&gate, change_delivery(HERE, version)));
    }
    assert_eq!(delivered_versions(&gate.open_held().unwrap()), [7, 0, 8]);
    gate.close(ClosedConversations::One(HERE));
    gate.hold(vec![HERE]);
    for version in [9, 0] {
        assert!(!passes(&gate, change_delivery(HERE, version)));
    }
    assert_eq!(delivered_versions(&gate.release_held()), [0]);
    assert!(!passes(&gate, change_delivery(HERE, 10)), "it stays closed");
}

/// Guards memory during catch-up, and that the session isn't evicted.
#[test]
fn held_deliveries_beyond_budget_are_dropped() {
    let gate = DeliveryGate::default();
    gate.close(ClosedConversations::One(HERE));
    gate.hold(vec![HERE]);
    assert!(!passes(&gate, change_delivery(HERE, 0)));
    for version in 1..=10 {
        assert!(!passes(&gate, change_delivery(HERE, version)));
    }
    assert!(
        passes(&gate, change_delivery(HERE, 0)),
        "it is no longer kept"
    );
    assert_eq!(delivered_versions(&gate.open_held().unwrap_err()), [0]);
    assert!(!passes(&gate, change_delivery(HERE, 11)));
    gate.hold(vec![HERE]);
    let large = SessionDelivery {
        bytes: 10 * BUDGET,
        ..change_delivery(HERE, 12)
    };
    assert!(!passes(&gate, large));
    assert_eq!(
        delivered_versions(&gate.open_held().unwrap()),
        [12],
        "one of any size fits"
    );
}

#[test]
fn gate_stays_closed_for_newer_changes() {
    let gate = DeliveryGate::default();
    gate.close(ClosedConversations::AllExcept([].into()));
    for delivery in [
        change_delivery(HERE, 5),
        change_delivery(THERE, 3),
        change_delivery(HERE, 4),
    ] {
        assert!(!passes(&gate, delivery));
    }
    let brought = |here| [(HERE, here), (THERE, 3)].into();
    assert_eq!(gate.open_all(&brought(4)).unwrap_err(), [HERE]);
    assert_eq!(gate.open_all(&[].into()).unwrap_err(), [HERE, THERE]);
    assert!(!passes(&gate, change_delivery(THERE, 3)));
    assert!(gate.open_all(&brought(5)).unwrap().is_empty());
    assert!(passes(&gate, change_delivery(HERE, 6)));
}

#[test]
fn conversations_open_one_by_one() {
    let gate = DeliveryGate::default();
    gate.close(ClosedConversations::AllExcept([].into()));
    gate.hold(vec![HERE]);
    assert!(!passes(&gate, change_delivery(HERE, 1)));
    assert!(!passes(&gate, change_delivery(THERE, 1)));
    assert_eq!(delivered_versions(&gate.open_held().unwrap()), [1]);
    assert!(passes(&gate, change_delivery(HERE, 2)));
    assert!(!passes(&gate, change_delivery(THERE, 2)));
    assert_eq!(gate.open_all(&[].into()).unwrap_err(), [THERE]);
}

#[test]
fn newest_count_survives_dropped_changes() {
    let gate = DeliveryGate::default();
    gate.close(ClosedConversations::AllExcept([].into()));
    for (version, count) in [(1, 10), (2, 20)] {
        assert!(!passes(&gate, unread_delivery_at(HERE, version, count)));
    }
    assert!(!passes(&gate, unread_delivery_at(THERE, 1, 30)));
    gate.hold(vec![HERE]);
    assert!(!passes(&gate, change_delivery(HERE, 3)));
    assert_eq!(delivered_versions(&gate.open_held().unwrap()), [-20, 3]);
    let rest = gate.open_all(&[(THERE, 1)].into()).unwrap();
    assert_eq!(delivered_versions(&rest), [-30]);
}

/// Guards the order of counts: a count that came after the budget was exceeded
/// is newer than the kept ones.
#[test]
fn newest_count_survives_exceeded_budget() {
    let gate = DeliveryGate::default();
    gate.close(ClosedConversations::One(HERE));
    gate.hold(vec![HERE]);
    for version in 1..=6 {
        assert!(!passes(&gate, unread_delivery_at(HERE, version, version)));
    }
    let Err(passing) = gate.open_held() else {
        panic!("the budget was exceeded");
    };
    assert_eq!(delivered_versions(&passing), [0; 0]);
    assert_eq!(delivered_versions(&gate.open(HERE)), [-6]);
}
