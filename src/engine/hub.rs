//! **Hub** — one per process: which Rooms are live.
//!
//! - Owns: the life of Rooms. It starts one on first use, replaces one that
//!   died, and lets an idle one go. Up to which version each has told is in
//!   its slot, so that a successor starts at once from there.
//! - Accepts: [`messages::Start`] from [`HubHandle`], `RoomIdle` and
//!   `RoomGone` from Rooms, `Orphaned` from the Journal.
//! - Emits: commands to Rooms.
//! - Order: what one asker asks of one conversation reaches its Room in that
//!   order, also while the Room is being started (see [`routes`]).
//! - Overflow: the handle gives out a bounded number of tickets; who gets
//!   none is answered `busy`.
//! - Stop: [`HubHandle::settled`] waits until every ticket is back.

mod handle;
pub(super) mod messages;
mod routes;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use actix::{Actor, ArbiterHandle, AsyncContext, Context, Handler};
use entity::ConversationId;

use super::ports::{Orphaned, RoomGone, RoomIdle, RoomKey};
use super::room::messages::{Retire, RoomCommand};
use super::room::{Deps, Origin, Room, Upward};
pub use handle::{HubHandle, Load};
use messages::Start;
use routes::{Live, Routes};

/// A Room that dies this often without telling anything is not started again
/// by itself, only by the next command.
const DEATHS_IN_A_ROW: u32 = 3;

/// The actor; see the module's documentation.
pub struct Hub {
    deps: Deps,
    places: Vec<ArbiterHandle>,
    routes: Arc<Routes>,
    generations: u64,
}

impl Hub {
    fn start_room(
        &mut self,
        conversation: ConversationId,
        told: Arc<AtomicI64>,
        ctx: &Context<Self>,
    ) -> Live {
        self.generations += 1;
        let key = RoomKey {
            conversation,
            generation: self.generations,
        };
        let hub = ctx.address();
        let origin = Origin {
            key,
            told,
            hub: Upward {
                idle: hub.clone().recipient(),
                gone: hub.clone().recipient(),
                orphaned: hub.recipient(),
            },
        };
        let deps = self.deps.clone();
        let place = usize::try_from(conversation.0).unwrap_or(0) % self.places.len().max(1);
        let room = match self.places.get(place) {
            Some(place) => Room::start_in_arbiter(place, move |_| Room::new(deps, origin)),
            None => Room::new(deps, origin).start(),
        };
        Live::new(room, key.generation)
    }
}

impl Actor for Hub {
    type Context = Context<Self>;
}

impl Handler<Start> for Hub {
    type Result = ();

    fn handle(&mut self, Start(conversation): Start, ctx: &mut Context<Self>) {
        let routes = Arc::clone(&self.routes);
        routes.open(conversation, |told| {
            self.start_room(conversation, told, ctx)
        });
    }
}

impl Handler<RoomIdle> for Hub {
    type Result = ();

    fn handle(&mut self, RoomIdle(key): RoomIdle, _: &mut Context<Self>) {
        if let Some(room) = self.routes.close_idle(key) {
            room.do_send(Retire);
        }
    }
}

impl Handler<RoomGone> for Hub {
    type Result = ();

    /// A Room that the Hub still knows died. Its successor tells what it left
    /// untold, if anything, as soon as it has loaded.
    fn handle(&mut self, RoomGone(key): RoomGone, ctx: &mut Context<Self>) {
        let Some(deaths) = self.routes.bury(key) else {
            return;
        };
        self.deps.counters.rooms_died.one();
        tracing::error!(conversation = %key.conversation, deaths, "a room died");
        if deaths <= DEATHS_IN_A_ROW {
            ctx.notify(Start(key.conversation));
        }
    }
}

impl Handler<Orphaned> for Hub {
    type Result = ();

    fn handle(&mut self, Orphaned(conversation): Orphaned, ctx: &mut Context<Self>) {
        let is_missing = self.routes.send(conversation, None, RoomCommand::CatchUp);
        if is_missing {
            ctx.notify(Start(conversation));
        }
    }
}
