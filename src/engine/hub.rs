//! **Hub** — one per process: the live Rooms.
//!
//! - Owns: the lifecycle of Rooms. It starts one on first use, replaces one
//!   that died, and stops an idle one. A conversation's slot keeps the version
//!   up to which changes were announced, so that a successor starts from there.
//! - Accepts: [`messages::StartRoom`] from [`HubHandle`], `RoomIdleNotice` and
//!   `RoomGoneNotice` from Rooms, `OrphanNotice` from the Journal.
//! - Emits: commands to Rooms.
//! - Order: a caller's commands to one conversation reach its Room in the order
//!   they were sent, also while the Room is being started (see [`routes`]).
//! - Overflow: the handle issues a bounded number of tickets; a command without
//!   one is answered `busy`.
//! - Stop: [`HubHandle::drain`] waits until every ticket is returned.

mod handle;
pub(super) mod messages;
mod routes;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use actix::{Actor, ArbiterHandle, AsyncContext, Context, Handler};
use entity::ConversationId;

use super::ports::{OrphanNotice, RoomGoneNotice, RoomIdleNotice, RoomKey};
use super::room::messages::{RetireRoom, RoomCommand};
use super::room::{HubRecipients, Room, RoomDeps, RoomIdentity};
pub use handle::{HubHandle, RoomLoad};
use messages::StartRoom;
use routes::{LiveRoom, RoomRoutes};

/// After this many deaths without an announced change, the Hub no longer
/// replaces the Room. The next command starts one.
const RESTARTS_MAX: u32 = 3;

/// The actor; see the module's documentation.
pub struct Hub {
    deps: RoomDeps,
    arbiters: Vec<ArbiterHandle>,
    routes: Arc<RoomRoutes>,
    generations: u64,
}

impl Hub {
    fn start_room(
        &mut self,
        conversation: ConversationId,
        announced_version: Arc<AtomicI64>,
        ctx: &Context<Self>,
    ) -> LiveRoom {
        self.generations += 1;
        let key = RoomKey {
            conversation,
            generation: self.generations,
        };
        let hub = ctx.address();
        let origin = RoomIdentity {
            key,
            announced_version,
            hub: HubRecipients {
                idle: hub.clone().recipient(),
                gone: hub.clone().recipient(),
                orphaned: hub.recipient(),
            },
        };
        let deps = self.deps.clone();
        let place = usize::try_from(conversation.0).unwrap_or(0) % self.arbiters.len().max(1);
        let room = match self.arbiters.get(place) {
            Some(place) => Room::start_in_arbiter(place, move |_| Room::new(deps, origin)),
            None => Room::new(deps, origin).start(),
        };
        LiveRoom::new(room, key.generation)
    }
}

impl Actor for Hub {
    type Context = Context<Self>;
}

impl Handler<StartRoom> for Hub {
    type Result = ();

    fn handle(&mut self, StartRoom(conversation): StartRoom, ctx: &mut Context<Self>) {
        let routes = Arc::clone(&self.routes);
        routes.attach_room(conversation, |announced_version| {
            self.start_room(conversation, announced_version, ctx)
        });
    }
}

impl Handler<RoomIdleNotice> for Hub {
    type Result = ();

    fn handle(&mut self, RoomIdleNotice(key): RoomIdleNotice, _: &mut Context<Self>) {
        if let Some(room) = self.routes.remove_idle(key) {
            room.do_send(RetireRoom);
        }
    }
}

impl Handler<RoomGoneNotice> for Hub {
    type Result = ();

    /// Handles the end of a Room. It died if it is still in the routes, since
    /// the Hub removes a Room before stopping it. The successor announces
    /// pending changes as soon as it has loaded.
    fn handle(&mut self, RoomGoneNotice(key): RoomGoneNotice, ctx: &mut Context<Self>) {
        let Some(deaths) = self.routes.remove_dead(key) else {
            return;
        };
        self.deps.counters.rooms_died.increment();
        tracing::error!(conversation = %key.conversation, deaths, "a room died");
        if deaths <= RESTARTS_MAX {
            ctx.notify(StartRoom(key.conversation));
        }
    }
}

impl Handler<OrphanNotice> for Hub {
    type Result = ();

    fn handle(&mut self, OrphanNotice(conversation): OrphanNotice, ctx: &mut Context<Self>) {
        let is_missing = self
            .routes
            .send_or_park(conversation, None, RoomCommand::CatchUp);
        if is_missing {
            ctx.notify(StartRoom(conversation));
        }
    }
}
