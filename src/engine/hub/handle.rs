//! The way to every Room.

use std::sync::Arc;

use actix::{Actor, Addr, ArbiterHandle};
use entity::ConversationId;
use tokio::sync::Semaphore;

use super::Hub;
use super::messages::Start;
use super::routes::Routes;
use crate::engine::reply::Ticket;
use crate::engine::room::Deps;
use crate::engine::room::messages::RoomCommand;
use crate::protocol::User;

/// What Rooms have to do at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Rooms that are live.
    pub live: usize,
    /// Rooms that are being started, with commands that wait for them.
    pub starting: usize,
    /// Commands that all Rooms together haven't answered: those in their
    /// mailboxes, and those that wait to be on disk.
    pub asked: usize,
    /// From that many on, `busy` is answered.
    pub most: usize,
    /// The most that one Room hasn't answered.
    pub deepest: usize,
}

/// A handle to the Hub: a cheap clone.
#[derive(Clone)]
pub struct HubHandle {
    hub: Addr<Hub>,
    routes: Arc<Routes>,
    permits: Arc<Semaphore>,
    all: u32,
}

impl HubHandle {
    /// Starts the Hub in `place`; its Rooms are spread over `places`, and
    /// `pending` commands may wait to be answered.
    pub(in crate::engine) fn start(
        place: &ArbiterHandle,
        deps: Deps,
        places: Vec<ArbiterHandle>,
        pending: usize,
    ) -> Self {
        let routes = Arc::new(Routes::default());
        let all = u32::try_from(pending).unwrap_or(u32::MAX);
        let hub = Hub {
            deps,
            places,
            routes: Arc::clone(&routes),
            generations: 0,
        };
        Self {
            hub: Hub::start_in_arbiter(place, move |_| hub),
            routes,
            permits: Arc::new(Semaphore::new(all as usize)),
            all,
        }
    }

    /// Asks a conversation's Room something, starting the Room where there is
    /// none. Where too much waits already, the command is made with a void
    /// ticket and dropped, which answers `busy`.
    pub fn send(&self, conversation: ConversationId, command: impl FnOnce(Ticket) -> RoomCommand) {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            drop(command(Ticket::void()));
            return;
        };
        if self.routes.send(conversation, Some(permit), command) {
            self.hub.do_send(Start(conversation));
        }
    }

    /// Sends what has its ticket already.
    pub fn send_on(&self, conversation: ConversationId, command: RoomCommand) {
        if self.routes.send(conversation, None, |_| command) {
            self.hub.do_send(Start(conversation));
        }
    }

    /// Tells every live Room how somebody is shown from now on; one that
    /// starts later reads it.
    pub fn renamed(&self, user: &User) {
        self.routes.tell_all(|| RoomCommand::Renamed(user.clone()));
    }

    /// Has a Room look at its conversation again, where it is live; one that
    /// starts later reads it.
    pub fn refresh(&self, conversation: ConversationId) {
        self.routes.tell_live(conversation, RoomCommand::Refresh);
    }

    /// What its Rooms have to do: a look at each.
    #[must_use]
    pub fn load(&self) -> Load {
        let most = self.all as usize;
        let census = self.routes.census();
        Load {
            live: census.live,
            starting: census.starting,
            asked: most.saturating_sub(self.permits.available_permits()),
            most,
            deepest: census.deepest,
        }
    }

    /// Waits until everything asked is answered; from then on, whatever is
    /// asked is answered `busy`, and a Room that goes isn't missed.
    pub async fn settled(&self) {
        // An error would mean that it was closed before.
        if let Ok(all) = self.permits.acquire_many(self.all).await {
            self.permits.close();
            all.forget();
            self.routes.forget();
        }
    }
}
