//! Model test of the Room's state. The model has a Journal that commits batches
//! of any size, a database whose members change at any moment, and reads that
//! are outdated or fail. Rooms die at any moment and lose their mailbox.

mod delivery_log;
mod disk;
mod knowledge;
mod marks;
mod requests;
mod shell;
mod world;

use entity::participant::MemberRole;
use entity::receipt;
use proptest::prelude::*;

use world::{GroupOp, RoomOp, RoomWorld};

fn group_op() -> impl Strategy<Value = GroupOp> {
    let role = prop_oneof![
        Just(MemberRole::Member),
        Just(MemberRole::Admin),
        Just(MemberRole::Owner)
    ];
    prop_oneof![
        1 => Just(GroupOp::Rename),
        4 => (1i64..=4).prop_map(GroupOp::Invite),
        3 => (1i64..=4).prop_map(GroupOp::Remove),
        1 => Just(GroupOp::Leave),
        2 => (1i64..=4, role).prop_map(|(user, role)| GroupOp::SetRole(user, role)),
        1 => Just(GroupOp::Archive),
    ]
}

fn kind() -> impl Strategy<Value = receipt::ReceiptKind> {
    prop_oneof![
        Just(receipt::ReceiptKind::Delivered),
        Just(receipt::ReceiptKind::Read)
    ]
}

fn room_op() -> impl Strategy<Value = RoomOp> {
    let sender = 1i64..=4;
    prop_oneof![
        6 => (sender, prop::option::of(0u8..6)).prop_map(|(sender, name)| RoomOp::Post { sender, name }),
        6 => (1i64..=4, kind(), -1i64..4).prop_map(|(actor, kind, back)| RoomOp::Mark { actor, kind, back }),
        3 => Just(RoomOp::MarksDue),
        3 => (1i64..=4, 0u64..2, any::<bool>())
            .prop_map(|(actor, session, is_typing)| RoomOp::Type { actor, session, is_typing }),
        1 => (1u64..4).prop_map(RoomOp::Seconds),
        4 => (1i64..=4, group_op()).prop_map(|(actor, what)| RoomOp::Change { actor, what }),
        8 => (1usize..6, prop::bool::weighted(0.1)).prop_map(|(size, fails)| RoomOp::Commit { size, fails }),
        14 => prop::bool::weighted(0.1).prop_map(|fails| RoomOp::Step { fails }),
        1 => Just(RoomOp::StepAndDieAnnouncing),
        1 => Just(RoomOp::Die),
        1 => Just(RoomOp::Timer),
        2 => any::<bool>().prop_map(|is_announced| RoomOp::Open { is_announced }),
        1 => (2i64..=4).prop_map(RoomOp::JoinOrLeave),
        1 => Just(RoomOp::WriteElsewhere),
        1 => Just(RoomOp::Retire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Every command is answered exactly once and with its own message. Each
    /// user gets the messages of their membership in order, none twice and none
    /// missing. No append is written after an outdated check. Each user's
    /// commands keep their order. The Room has the right members, one owner
    /// among them. In the end, all unread counts, read marks and typing states
    /// are right.
    #[test]
    fn room_matches_model(
        direct in any::<bool>(),
        before in 0i64..3,
        ops in prop::collection::vec(room_op(), 1..120),
    ) {
        let mut world = RoomWorld::new(direct, before);
        for op in ops {
            world.apply(op);
        }
        world.settle();
        world.check();
    }
}

/// A Room dies between commit and fan-out, repeatedly: the last successor
/// announces everything, and retries are answered from disk.
#[test]
fn successor_announces_pending_changes_once() {
    let mut world = RoomWorld::new(true, 0);
    let step = RoomOp::Step { fails: false };
    world.apply(step);
    world.apply(step);
    for name in 0..3 {
        let name = Some(name);
        world.apply(RoomOp::Post { sender: 1, name });
        world.apply(step);
    }
    for _ in 0..3 {
        let (size, fails) = (1, false);
        world.apply(RoomOp::Commit { size, fails });
        for _ in 0..10 {
            world.apply(RoomOp::StepAndDieAnnouncing);
        }
    }
    assert!(world.first_user_versions().is_empty());
    for name in 0..3 {
        world.apply(RoomOp::Post {
            sender: 1,
            name: Some(name),
        });
    }
    world.settle();
    world.check();
    assert_eq!(world.first_user_versions(), [1, 2, 3]);
}

/// Stale commands are checked again with fresh state, ahead of later commands.
#[test]
fn stale_commands_are_retried_in_order() {
    let mut world = RoomWorld::new(true, 0);
    let step = RoomOp::Step { fails: false };
    for _ in 0..2 {
        world.apply(step);
    }
    for _ in 0..3 {
        world.apply(RoomOp::Post {
            sender: 1,
            name: None,
        });
        world.apply(step);
    }
    world.apply(RoomOp::Open {
        is_announced: false,
    });
    world.apply(RoomOp::Open {
        is_announced: false,
    });
    world.apply(RoomOp::Commit {
        size: 2,
        fails: false,
    });
    world.apply(step);
    world.apply(RoomOp::Post {
        sender: 1,
        name: None,
    });
    world.settle();
    world.check();
    assert_eq!(world.first_user_versions(), [1, 2, 3, 4]);
}

/// A reload finds a member gone, and they are back before the removal is
/// announced: the typing states that they were sent end, too.
#[test]
fn typing_ends_for_briefly_removed_member() {
    let mut world = RoomWorld::new(false, 0);
    let step = RoomOp::Step { fails: false };
    for _ in 0..3 {
        world.apply(step);
    }
    let (actor, session, is_typing) = (1, 0, true);
    world.apply(RoomOp::Type {
        actor,
        session,
        is_typing,
    });
    world.apply(step);
    let (sender, name) = (2, None);
    world.apply(RoomOp::Post { sender, name });
    world.apply(step);
    world.apply(RoomOp::JoinOrLeave(3));
    // The read for the announcement fails, and the reload comes first.
    world.apply(step);
    world.apply(RoomOp::Commit {
        size: 1,
        fails: false,
    });
    world.apply(RoomOp::Step { fails: true });
    world.apply(step);
    world.apply(step);
    world.apply(RoomOp::Seconds(6));
    world.apply(RoomOp::JoinOrLeave(3));
    world.settle();
    world.check();
}
