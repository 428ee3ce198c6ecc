//! The Room's state against a model of all that is around it: a Journal that
//! commits batches of any size, a database whose membership changes at any
//! moment, reads that are outdated or fail, Rooms that die at any moment and
//! lose what was in their mailbox.

mod disk;
mod knows;
mod marks;
mod requests;
mod shell;
mod told;
mod world;

use entity::participant::Role;
use entity::receipt;
use proptest::prelude::*;

use world::{Op, Wish, World};

fn wish() -> impl Strategy<Value = Wish> {
    let role = prop_oneof![Just(Role::Member), Just(Role::Admin), Just(Role::Owner)];
    prop_oneof![
        1 => Just(Wish::Rename),
        4 => (1i64..=4).prop_map(Wish::Invite),
        3 => (1i64..=4).prop_map(Wish::Remove),
        1 => Just(Wish::Leave),
        2 => (1i64..=4, role).prop_map(|(user, role)| Wish::SetRole(user, role)),
        1 => Just(Wish::Archive),
    ]
}

fn kind() -> impl Strategy<Value = receipt::Kind> {
    prop_oneof![Just(receipt::Kind::Delivered), Just(receipt::Kind::Read)]
}

fn op() -> impl Strategy<Value = Op> {
    let sender = 1i64..=4;
    prop_oneof![
        6 => (sender, prop::option::of(0u8..6)).prop_map(|(sender, name)| Op::Post { sender, name }),
        6 => (1i64..=4, kind(), -1i64..4).prop_map(|(actor, kind, back)| Op::Mark { actor, kind, back }),
        3 => Just(Op::MarksDue),
        3 => (1i64..=4, 0u64..2, any::<bool>())
            .prop_map(|(actor, session, is_typing)| Op::Type { actor, session, is_typing }),
        1 => (1u64..4).prop_map(Op::Seconds),
        4 => (1i64..=4, wish()).prop_map(|(actor, what)| Op::Change { actor, what }),
        8 => (1usize..6, prop::bool::weighted(0.1)).prop_map(|(size, fails)| Op::Commit { size, fails }),
        14 => prop::bool::weighted(0.1).prop_map(|fails| Op::Step { fails }),
        1 => Just(Op::StepAndDieTelling),
        1 => Just(Op::Die),
        1 => Just(Op::Timer),
        2 => any::<bool>().prop_map(|is_told| Op::Open { is_told }),
        1 => (2i64..=4).prop_map(Op::JoinOrLeave),
        1 => Just(Op::WriteElsewhere),
        1 => Just(Op::Retire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Every request is answered exactly once and with its own message; each
    /// person is told the messages of the versions in which they were in, in
    /// order, none twice and none missing; nothing is written by an outdated
    /// judgement; what each asked keeps the order in which it was asked; the
    /// Room knows who is in, one of whom is the owner. In the end each knows
    /// what waits for them, as counted by hand, and how far the others have
    /// come with their messages; and nobody types for ever.
    #[test]
    fn whatever_happens_in_whatever_order(
        direct in any::<bool>(),
        before in 0i64..3,
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut world = World::new(direct, before);
        for op in ops {
            world.apply(op);
        }
        world.settle();
        world.check();
    }
}

/// A Room that dies between commit and telling, again and again: the last
/// successor tells all of it, and retries are answered by what was written.
#[test]
fn what_dead_rooms_left_untold_is_told_once() {
    let mut world = World::new(true, 0);
    let step = Op::Step { fails: false };
    world.apply(step);
    world.apply(step);
    for name in 0..3 {
        let name = Some(name);
        world.apply(Op::Post { sender: 1, name });
        world.apply(step);
    }
    for _ in 0..3 {
        let (size, fails) = (1, false);
        world.apply(Op::Commit { size, fails });
        for _ in 0..10 {
            world.apply(Op::StepAndDieTelling);
        }
    }
    assert!(world.told().is_empty());
    for name in 0..3 {
        world.apply(Op::Post {
            sender: 1,
            name: Some(name),
        });
    }
    world.settle();
    world.check();
    assert_eq!(world.told(), [1, 2, 3]);
}

/// What came back stale is judged again by what is known now, ahead of what
/// was asked meanwhile.
#[test]
fn stale_ones_are_judged_again_in_order() {
    let mut world = World::new(true, 0);
    let step = Op::Step { fails: false };
    for _ in 0..2 {
        world.apply(step);
    }
    for _ in 0..3 {
        world.apply(Op::Post {
            sender: 1,
            name: None,
        });
        world.apply(step);
    }
    world.apply(Op::Open { is_told: false });
    world.apply(Op::Open { is_told: false });
    world.apply(Op::Commit {
        size: 2,
        fails: false,
    });
    world.apply(step);
    world.apply(Op::Post {
        sender: 1,
        name: None,
    });
    world.settle();
    world.check();
    assert_eq!(world.told(), [1, 2, 3, 4]);
}

/// A reload finds somebody gone, and by the time that their leaving would be
/// told they are back: what they were told of who types ends for them too.
#[test]
fn nobody_types_for_ever_for_who_was_gone_for_a_moment() {
    let mut world = World::new(false, 0);
    let step = Op::Step { fails: false };
    for _ in 0..3 {
        world.apply(step);
    }
    let (actor, session, is_typing) = (1, 0, true);
    world.apply(Op::Type {
        actor,
        session,
        is_typing,
    });
    world.apply(step);
    let (sender, name) = (2, None);
    world.apply(Op::Post { sender, name });
    world.apply(step);
    world.apply(Op::JoinOrLeave(3));
    // What would have told of it can't be read, and the reload comes first.
    world.apply(step);
    world.apply(Op::Commit {
        size: 1,
        fails: false,
    });
    world.apply(Op::Step { fails: true });
    world.apply(step);
    world.apply(step);
    world.apply(Op::Seconds(6));
    world.apply(Op::JoinOrLeave(3));
    world.settle();
    world.check();
}
