//! The map by itself: Rooms here are mailboxes that nobody reads, so what is
//! sent there is asked and not answered until the mailbox goes.

use actix::{AsyncContext, Context};
use proptest::prelude::*;

use super::*;

const HERE: ConversationId = ConversationId(7);

/// What can happen to one conversation.
#[derive(Clone, Copy, Debug)]
enum Op {
    Send,
    /// The Hub starts a Room, as it was asked to, or once more than that.
    Open,
    /// The Room says that it is idle; or one that was before it.
    Idle {
        late: bool,
    },
    /// The Room dies, and is buried; or one that was before it is.
    Die {
        late: bool,
    },
    /// The Room tells something.
    Tell,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Send),
        3 => Just(Op::Open),
        2 => any::<bool>().prop_map(|late| Op::Idle { late }),
        2 => any::<bool>().prop_map(|late| Op::Die { late }),
        1 => Just(Op::Tell),
    ]
}

/// What the map should know.
#[derive(Default)]
struct Model {
    /// Its mailbox, while it lives.
    room: Option<Context<Room>>,
    generation: u64,
    /// Parked, and in the mailbox.
    parked: usize,
    asked: usize,
    told: Option<Arc<AtomicI64>>,
    deaths: u32,
    told_at_death: i64,
}

impl Model {
    fn key(&self, late: bool) -> RoomKey {
        RoomKey {
            conversation: HERE,
            generation: self.generation - u64::from(late),
        }
    }

    fn apply(&mut self, op: Op, routes: &Routes) {
        match op {
            Op::Send => self.send(routes),
            Op::Open => self.open(routes),
            Op::Idle { late } => self.idle(late, routes),
            Op::Die { late } => self.die(late, routes),
            Op::Tell => {
                if let Some(told) = self.told.as_ref().filter(|_| self.room.is_some()) {
                    told.fetch_add(1, Ordering::AcqRel);
                }
            }
        }
    }

    /// Only the first that is parked asks for a Room.
    fn send(&mut self, routes: &Routes) {
        let has_to_start = routes.send(HERE, None, RoomCommand::CatchUp);
        assert_eq!(has_to_start, self.room.is_none() && self.parked == 0);
        match self.room {
            Some(_) => self.asked += 1,
            None => self.parked += 1,
        }
    }

    /// Where there is a Room, or nothing was ever asked, none is started.
    fn open(&mut self, routes: &Routes) {
        let (mut started, mut heard) = (None, None);
        routes.open(HERE, |told| {
            let room = Context::<Room>::new();
            let live = Live::new(room.address(), self.generation + 1);
            (started, heard) = (Some(room), Some(told));
            live
        });
        if let (Some(room), Some(told)) = (started, heard) {
            assert!(self.room.is_none(), "one at a time");
            if let Some(before) = self.told.replace(Arc::clone(&told)) {
                assert!(
                    Arc::ptr_eq(&before, &told),
                    "a successor goes on from there"
                );
            } else {
                assert_eq!(told.load(Ordering::Acquire), NEVER_TOLD);
            }
            self.generation += 1;
            self.room = Some(room);
        }
        if self.room.is_some() {
            self.asked += std::mem::take(&mut self.parked);
        }
    }

    /// It goes only where nothing is asked of it.
    fn idle(&mut self, late: bool, routes: &Routes) {
        if self.generation == 0 {
            return;
        }
        let gone = routes.close_idle(self.key(late));
        let goes = !late && self.room.is_some() && self.asked == 0;
        assert_eq!(gone.is_some(), goes);
        if goes {
            let generation = self.generation;
            *self = Self {
                generation,
                told_at_death: NEVER_TOLD,
                ..Self::default()
            };
        }
    }

    /// What was in its mailbox is answered by its end; what it told stays
    /// known, and counts the deaths in a row.
    fn die(&mut self, late: bool, routes: &Routes) {
        if self.generation == 0 {
            return;
        }
        if late {
            return assert_eq!(routes.bury(self.key(true)), None);
        }
        let is_live = self.room.take().is_some();
        let deaths = routes.bury(self.key(false));
        assert_eq!(deaths.is_some(), is_live);
        let Some(told) = self.told.as_ref().filter(|_| is_live) else {
            return;
        };
        let told = told.load(Ordering::Acquire);
        self.deaths = if told > self.told_at_death {
            1
        } else {
            self.deaths + 1
        };
        self.told_at_death = told;
        self.asked = 0;
        assert_eq!(deaths, Some(self.deaths));
    }
}

proptest! {
    /// At most one Room at a time; nothing asked is lost on the way to it;
    /// none goes that has work; and what was told outlives a dead one.
    #[test]
    fn whatever_happens_to_a_conversation(ops in prop::collection::vec(op(), 1..60)) {
        let routes = Routes::default();
        let mut model = Model {
            told_at_death: NEVER_TOLD,
            ..Model::default()
        };
        for op in ops {
            model.apply(op, &routes);
            let shard = routes.shard(HERE).lock();
            let asked = shard.get(&HERE).map_or(0, |slot| slot.asked.load(Ordering::Acquire));
            prop_assert_eq!(asked, model.asked + model.parked);
        }
    }
}
