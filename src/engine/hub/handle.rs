//! The handle through which commands reach Rooms.

use std::sync::Arc;

use actix::{Actor, Addr, ArbiterHandle};
use entity::ConversationId;
use tokio::sync::Semaphore;

use super::Hub;
use super::messages::StartRoom;
use super::routes::RoomRoutes;
use crate::engine::reply::CommandTicket;
use crate::engine::room::RoomDeps;
use crate::engine::room::messages::RoomCommand;
use crate::protocol::User;

/// The load of all Rooms at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomLoad {
    /// Rooms that are live.
    pub live: usize,
    /// Rooms that are being started, with commands that wait for them.
    pub starting: usize,
    /// Commands that all Rooms together haven't answered: those in their
    /// mailboxes, and those that wait for a commit.
    pub unanswered: usize,
    /// The maximum of `unanswered`: further commands are answered `busy`.
    pub limit: usize,
    /// The largest number of unanswered commands of one Room.
    pub deepest: usize,
}

/// A handle to the Hub: a cheap clone.
#[derive(Clone)]
pub struct HubHandle {
    hub: Addr<Hub>,
    routes: Arc<RoomRoutes>,
    permits: Arc<Semaphore>,
    permits_max: u32,
}

impl HubHandle {
    /// Starts the Hub on the arbiter `place`. Its Rooms are spread over the
    /// arbiters `places`, and at most `pending` commands may be unanswered.
    pub(in crate::engine) fn start(
        place: &ArbiterHandle,
        deps: RoomDeps,
        places: Vec<ArbiterHandle>,
        pending: usize,
    ) -> Self {
        let routes = Arc::new(RoomRoutes::default());
        let permits_max = u32::try_from(pending).unwrap_or(u32::MAX);
        let hub = Hub {
            deps,
            arbiters: places,
            routes: Arc::clone(&routes),
            generations: 0,
        };
        Self {
            hub: Hub::start_in_arbiter(place, move |_| hub),
            routes,
            permits: Arc::new(Semaphore::new(permits_max as usize)),
            permits_max,
        }
    }

    /// Sends a command to a conversation's Room, and starts the Room if there
    /// is none. If too many commands are unanswered, the command gets an
    /// untracked ticket and is dropped, which answers `busy`.
    pub fn send_command(
        &self,
        conversation: ConversationId,
        command: impl FnOnce(CommandTicket) -> RoomCommand,
    ) {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            drop(command(CommandTicket::untracked()));
            return;
        };
        if self
            .routes
            .send_or_park(conversation, Some(permit), command)
        {
            self.hub.do_send(StartRoom(conversation));
        }
    }

    /// Sends a command that already holds a ticket.
    pub fn send_with_ticket(&self, conversation: ConversationId, command: RoomCommand) {
        if self.routes.send_or_park(conversation, None, |_| command) {
            self.hub.do_send(StartRoom(conversation));
        }
    }

    /// Sends a user's new name to every live Room. A Room that starts later
    /// reads it from the store.
    pub fn rename_user(&self, user: &User) {
        self.routes
            .send_to_all(|| RoomCommand::Renamed(user.clone()));
    }

    /// Makes a live Room reload its conversation. A Room that starts later
    /// reads it anyway.
    pub fn refresh_room(&self, conversation: ConversationId) {
        self.routes.send_if_live(conversation, RoomCommand::Refresh);
    }

    /// Returns the load of all Rooms. Visits every Room.
    #[must_use]
    pub fn load(&self) -> RoomLoad {
        let limit = self.permits_max as usize;
        let stats = self.routes.stats();
        RoomLoad {
            live: stats.live,
            starting: stats.starting,
            unanswered: limit.saturating_sub(self.permits.available_permits()),
            limit,
            deepest: stats.deepest,
        }
    }

    /// Waits until every command is answered. Later commands are answered
    /// `busy`, and a Room that stops is not replaced.
    pub async fn drain(&self) {
        // An error means that an earlier call closed the semaphore.
        if let Ok(all) = self.permits.acquire_many(self.permits_max).await {
            self.permits.close();
            all.forget();
            self.routes.clear();
        }
    }
}
