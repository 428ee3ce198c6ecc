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

    /// Tells every live Room how somebody is shown from now on; one that
    /// starts later reads it.
    pub fn renamed(&self, user: &User) {
        self.routes.tell_all(|| RoomCommand::Renamed(user.clone()));
    }

    /// Waits until everything asked is answered; from then on, whatever is
    /// asked is answered `busy`.
    pub async fn settled(&self) {
        // An error would mean that it was closed before.
        if let Ok(all) = self.permits.acquire_many(self.all).await {
            self.permits.close();
            all.forget();
        }
    }
}
