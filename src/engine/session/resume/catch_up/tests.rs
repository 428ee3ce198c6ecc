//! The gate and the catching-up against a simple world: commits, Rooms that
//! tell them late, a mailbox that is read late, and readings whose results
//! come late, in whatever order; in conversations that the client's person
//! leaves and comes to again, and of which more may have changed than is looked
//! at.

mod client;
mod room;
mod world;

use proptest::prelude::*;

use world::{Step, World};

fn step() -> impl Strategy<Value = Step> {
    let which = 0..world::ROOMS;
    prop_oneof![
        4 => (which.clone(), 1..5_usize).prop_map(|(which, many)| Step::Post(which, many)),
        3 => (which.clone(), any::<usize>()).prop_map(|(which, at)| Step::Touch(which, at)),
        1 => which.clone().prop_map(Step::Mark),
        1 => which.clone().prop_map(Step::See),
        2 => which.clone().prop_map(Step::Go),
        8 => (which.clone(), 1..8_usize).prop_map(|(which, many)| Step::Tell(which, many)),
        5 => Just(Step::Hear),
        9 => Just(Step::Read),
        9 => Just(Step::Found),
        2 => Just(Step::Resume),
        1 => Just(Step::CutOff),
        1 => which.prop_map(Step::Astray),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_happens_meanwhile_the_client_ends_with_everything_once(
        is_bound in any::<bool>(),
        known in 1..=world::ROOMS,
        budget in 1..300_usize,
        looked_at in prop_oneof![Just(usize::MAX), 3..30_usize],
        unnamed_max in 0..=world::ROOMS,
        is_other in prop::bool::weighted(0.1),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut world = World::new(is_bound, known, budget);
        world.looked_at = looked_at;
        world.unnamed_max = unnamed_max;
        world.is_other = is_other;
        for step in steps {
            world.step(step);
        }
        world.settle();
        world.check();
    }
}

/// The world is no fable: where a gate lets everything through, what is told
/// between a reading and its end is lost.
#[test]
#[should_panic(expected = "the client has")]
fn without_a_gate_the_client_lacks_something() {
    let mut world = World::new(true, 1, 100);
    world.has_no_gate = true;
    for step in [
        Step::Post(0, 1),
        Step::Resume,
        Step::Read,
        Step::Found,
        Step::Read,
        Step::Post(0, 1),
        Step::Tell(0, 2),
        Step::Hear,
        Step::Hear,
        Step::Found,
    ] {
        world.step(step);
    }
    world.settle();
    world.check();
}

/// What a message weighs is known only when it is encoded: where a reading
/// turns out too large, what is left of it is read again.
#[test]
fn a_reading_that_weighs_too_much_is_written_in_pieces() {
    let mut world = World::new(true, 1, 100);
    world.weight = 40_000;
    world.step(Step::Post(0, 5));
    world.settle();
    world.check();
    assert_eq!(world.turns, [1, 1, 1, 1, 1]);
}

/// Where more has changed than is looked at, it begins afresh, and so does
/// whoever comes with a version that there never was; and it goes on from
/// there.
#[test]
fn whoever_is_too_far_behind_or_astray_begins_afresh_and_misses_nothing() {
    let mut world = World::new(false, world::ROOMS, 100);
    world.looked_at = 5;
    for step in [
        Step::Post(0, 6),
        Step::Post(1, 2),
        Step::Go(2),
        Step::Astray(1),
        Step::Resume,
        Step::Post(1, 1),
    ] {
        world.step(step);
    }
    world.settle();
    world.check();
    assert_eq!(world.resets, 2);
    world.step(Step::Go(2));
    world.step(Step::Post(0, 3));
    world.settle();
    world.check();
    assert_eq!(world.resets, 2);
}
