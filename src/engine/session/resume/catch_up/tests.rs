//! Model test of the gate and the replay. Commits, late Rooms, a mailbox that
//! is read late and reads with late results come in any order. The user leaves
//! and rejoins conversations, and some have more changes than are replayed.

mod client;
mod room;
mod world;

use proptest::prelude::*;

use world::{CatchUpStep, CatchUpWorld};

fn catch_up_step() -> impl Strategy<Value = CatchUpStep> {
    let which = 0..world::ROOMS;
    prop_oneof![
        4 => (which.clone(), 1..5_usize).prop_map(|(which, many)| CatchUpStep::Post(which, many)),
        3 => (which.clone(), any::<usize>()).prop_map(|(which, at)| CatchUpStep::Edit(which, at)),
        1 => which.clone().prop_map(CatchUpStep::Mark),
        1 => which.clone().prop_map(CatchUpStep::ReadAll),
        2 => which.clone().prop_map(CatchUpStep::LeaveOrJoin),
        8 => (which.clone(), 1..8_usize).prop_map(|(which, many)| CatchUpStep::Announce(which, many)),
        5 => Just(CatchUpStep::TakeDelivery),
        9 => Just(CatchUpStep::Read),
        9 => Just(CatchUpStep::TakeResult),
        2 => Just(CatchUpStep::Resume),
        1 => Just(CatchUpStep::CutOff),
        1 => which.prop_map(CatchUpStep::UnknownVersion),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn client_gets_every_change_once(
        is_bound in any::<bool>(),
        known in 1..=world::ROOMS,
        budget in 1..300_usize,
        looked_at in prop_oneof![Just(usize::MAX), 3..30_usize],
        unnamed_max in 0..=world::ROOMS,
        is_other in prop::bool::weighted(0.1),
        steps in prop::collection::vec(catch_up_step(), 0..120),
    ) {
        let mut world = CatchUpWorld::new(is_bound, known, budget);
        world.looked_at = looked_at;
        world.unnamed_max = unnamed_max;
        world.is_other_history = is_other;
        for step in steps {
            world.step(step);
        }
        world.settle();
        world.check();
    }
}

/// Checks the model: without a gate, changes between a read and its end are
/// lost.
#[test]
#[should_panic(expected = "the client has")]
fn client_misses_changes_without_gate() {
    let mut world = CatchUpWorld::new(true, 1, 100);
    world.has_no_gate = true;
    for step in [
        CatchUpStep::Post(0, 1),
        CatchUpStep::Resume,
        CatchUpStep::Read,
        CatchUpStep::TakeResult,
        CatchUpStep::Read,
        CatchUpStep::Post(0, 1),
        CatchUpStep::Announce(0, 2),
        CatchUpStep::TakeDelivery,
        CatchUpStep::TakeDelivery,
        CatchUpStep::TakeResult,
    ] {
        world.step(step);
    }
    world.settle();
    world.check();
}

/// A message's weight is known only after encoding: the rest of a read that is
/// too large is read again.
#[test]
fn large_read_is_sent_in_chunks() {
    let mut world = CatchUpWorld::new(true, 1, 100);
    world.weight = 40_000;
    world.step(CatchUpStep::Post(0, 5));
    world.settle();
    world.check();
    assert_eq!(world.turns, [1, 1, 1, 1, 1]);
}

/// Too many changes lead to a reset, and so does an unknown version; the client
/// continues from there.
#[test]
fn client_continues_after_reset() {
    let mut world = CatchUpWorld::new(false, world::ROOMS, 100);
    world.looked_at = 5;
    for step in [
        CatchUpStep::Post(0, 6),
        CatchUpStep::Post(1, 2),
        CatchUpStep::LeaveOrJoin(2),
        CatchUpStep::UnknownVersion(1),
        CatchUpStep::Resume,
        CatchUpStep::Post(1, 1),
    ] {
        world.step(step);
    }
    world.settle();
    world.check();
    assert_eq!(world.resets, 2);
    world.step(CatchUpStep::LeaveOrJoin(2));
    world.step(CatchUpStep::Post(0, 3));
    world.settle();
    world.check();
    assert_eq!(world.resets, 2);
}
