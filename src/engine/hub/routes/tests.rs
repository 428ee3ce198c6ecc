//! Model test of the routes. Rooms are mailboxes without a reader, so commands
//! in them stay unanswered until the mailbox is dropped.

use actix::{AsyncContext, Context};
use proptest::prelude::*;

use super::*;

const HERE: ConversationId = ConversationId(7);

/// An operation on one conversation.
#[derive(Clone, Copy, Debug)]
enum RouteOp {
    Send,
    /// The Hub starts a Room, on request or once more than requested.
    Open,
    /// The Room reports that it is idle; if `late`, the report is from its
    /// predecessor.
    Idle {
        late: bool,
    },
    /// The Room dies and is removed; if `late`, the report is about its
    /// predecessor.
    Die {
        late: bool,
    },
    /// The Room announces a change.
    Announce,
}

fn op() -> impl Strategy<Value = RouteOp> {
    prop_oneof![
        4 => Just(RouteOp::Send),
        3 => Just(RouteOp::Open),
        2 => any::<bool>().prop_map(|late| RouteOp::Idle { late }),
        2 => any::<bool>().prop_map(|late| RouteOp::Die { late }),
        1 => Just(RouteOp::Announce),
    ]
}

/// The expected state of the routes.
#[derive(Default)]
struct RouteModel {
    /// The mailbox of the Room; `None` if no Room is alive.
    room: Option<Context<Room>>,
    generation: u64,
    /// Parked commands; `unanswered` counts those in the mailbox.
    parked: usize,
    unanswered: usize,
    announced_version: Option<Arc<AtomicI64>>,
    deaths: u32,
    announced_at_death: i64,
}

impl RouteModel {
    fn key(&self, late: bool) -> RoomKey {
        RoomKey {
            conversation: HERE,
            generation: self.generation - u64::from(late),
        }
    }

    fn apply(&mut self, op: RouteOp, routes: &RoomRoutes) {
        match op {
            RouteOp::Send => self.send(routes),
            RouteOp::Open => self.open(routes),
            RouteOp::Idle { late } => self.idle(late, routes),
            RouteOp::Die { late } => self.die(late, routes),
            RouteOp::Announce => {
                if let Some(announced) = self
                    .announced_version
                    .as_ref()
                    .filter(|_| self.room.is_some())
                {
                    announced.fetch_add(1, Ordering::AcqRel);
                }
            }
        }
    }

    /// Only the first parked command requests a Room.
    fn send(&mut self, routes: &RoomRoutes) {
        let has_to_start = routes.send_or_park(HERE, None, RoomCommand::CatchUp);
        assert_eq!(has_to_start, self.room.is_none() && self.parked == 0);
        match self.room {
            Some(_) => self.unanswered += 1,
            None => self.parked += 1,
        }
    }

    /// The Hub starts no Room if there is one, or if no command was ever sent.
    fn open(&mut self, routes: &RoomRoutes) {
        let (mut started, mut passed) = (None, None);
        routes.attach_room(HERE, |announced| {
            let room = Context::<Room>::new();
            let live = LiveRoom::new(room.address(), self.generation + 1);
            (started, passed) = (Some(room), Some(announced));
            live
        });
        if let (Some(room), Some(announced)) = (started, passed) {
            assert!(self.room.is_none(), "one at a time");
            if let Some(before) = self.announced_version.replace(Arc::clone(&announced)) {
                assert!(
                    Arc::ptr_eq(&before, &announced),
                    "a successor continues from that version"
                );
            } else {
                assert_eq!(announced.load(Ordering::Acquire), NEVER_ANNOUNCED);
            }
            self.generation += 1;
            self.room = Some(room);
        }
        if self.room.is_some() {
            self.unanswered += std::mem::take(&mut self.parked);
        }
    }

    /// A Room is removed only if it has no unanswered command.
    fn idle(&mut self, late: bool, routes: &RoomRoutes) {
        if self.generation == 0 {
            return;
        }
        let gone = routes.remove_idle(self.key(late));
        let goes = !late && self.room.is_some() && self.unanswered == 0;
        assert_eq!(gone.is_some(), goes);
        if goes {
            let generation = self.generation;
            *self = Self {
                generation,
                announced_at_death: NEVER_ANNOUNCED,
                ..Self::default()
            };
        }
    }

    /// The end of a Room's mailbox answers the commands in it. The announced
    /// version stays known, and decides which deaths are consecutive.
    fn die(&mut self, late: bool, routes: &RoomRoutes) {
        if self.generation == 0 {
            return;
        }
        if late {
            return assert_eq!(routes.remove_dead(self.key(true)), None);
        }
        let is_live = self.room.take().is_some();
        let deaths = routes.remove_dead(self.key(false));
        assert_eq!(deaths.is_some(), is_live);
        let Some(announced) = self.announced_version.as_ref().filter(|_| is_live) else {
            return;
        };
        let announced = announced.load(Ordering::Acquire);
        self.deaths = if announced > self.announced_at_death {
            1
        } else {
            self.deaths + 1
        };
        self.announced_at_death = announced;
        self.unanswered = 0;
        assert_eq!(deaths, Some(self.deaths));
    }
}

proptest! {
    /// At most one Room exists at a time, no command is lost on the way to it,
    /// and no Room with work is removed. The announced version outlives a dead
    /// Room.
    #[test]
    fn routes_match_model(ops in prop::collection::vec(op(), 1..60)) {
        let routes = RoomRoutes::default();
        let mut model = RouteModel {
            announced_at_death: NEVER_ANNOUNCED,
            ..RouteModel::default()
        };
        for op in ops {
            model.apply(op, &routes);
            let shard = routes.shard(HERE).lock();
            let unanswered = shard.get(&HERE).map_or(0, |slot| slot.unanswered.load(Ordering::Acquire));
            prop_assert_eq!(unanswered, model.unanswered + model.parked);
        }
    }
}
