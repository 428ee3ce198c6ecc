//! The actors, the Directory, and the messages they exchange.
//!
//! Reading order: [`ports`] (what flows upwards), [`directory`] (who is
//! here), [`journal`] (the one writer), [`room`] (a conversation in use),
//! [`hub`] (which rooms are live), [`presence`], [`session`] (a socket).
//! [`Engine`] is the handle to all of it that the web layer holds.

pub mod directory;
pub mod hub;
pub mod journal;
mod logins;
pub mod ports;
pub mod presence;
pub mod reply;
pub mod room;
pub mod session;
pub mod testing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::{Arbiter, ArbiterHandle};
use entity::{ConversationId, LoginId, Millis, UserId};
use tokio::sync::oneshot;

use crate::config::Settings;
use crate::protocol::{CloseCode, Event, Problem, User};
use crate::store::append::Post;
use crate::store::{Store, StoreError};

use directory::Directory;
use hub::HubHandle;
use journal::JournalHandle;
use ports::Frame;
use presence::PresenceHandle;
use reply::{Done, Reply, Sent, Ticket};
use room::messages::{Ask, RoomCommand};
use testing::Faults;

/// The engine as the layers above use it: a cheap clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    store: Store,
    directory: Directory,
    hub: HubHandle,
    presence: PresenceHandle,
    is_stopping: AtomicBool,
    arbiters: Vec<Arbiter>,
}

impl Engine {
    /// Starts the actors. Rooms are spread over as many arbiters as there are
    /// cores; these are the engine's own, since it outlives the HTTP server
    /// when it stops.
    ///
    /// # Errors
    /// Where the store fails to note that this process serves.
    pub async fn start(
        settings: &Settings,
        store: Store,
        faults: Faults,
    ) -> Result<Self, StoreError> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let arbiters: Vec<Arbiter> = (0..cores).map(|_| Arbiter::new()).collect();
        let node = store.join_as_node(Millis::now()).await?;
        let directory = Directory::default();
        let journal = journal::Parts {
            store: store.clone(),
            batch_max: settings.limits.journal_batch,
            faults: faults.clone(),
        };
        let presence = presence::Parts {
            store: store.clone(),
            node,
            timings: settings.timings.clone(),
        };
        let [journal_at, presence_at, hub_at] = std::array::from_fn(|at| place(&arbiters, at));
        let presence = PresenceHandle::start(&presence_at, presence);
        let rooms = room::Deps {
            store: store.clone(),
            directory: directory.clone(),
            journal: JournalHandle::start(&journal_at, journal),
            idle_after: settings.timings.room_idle_after,
            faults,
        };
        let places = arbiters.iter().map(Arbiter::handle).collect();
        let hub = HubHandle::start(&hub_at, rooms, places, settings.limits.pending_sends);
        logins::watch(
            store.clone(),
            directory.clone(),
            settings.timings.login_check_every,
        );
        let inner = Inner {
            settings: settings.clone(),
            store,
            directory,
            hub,
            presence,
            is_stopping: AtomicBool::new(false),
            arbiters,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Sends a message, and answers once it is on disk.
    ///
    /// # Errors
    /// Why it was refused; `busy` where nobody can say what became of it, and
    /// a retry with the same `client_id` will.
    pub async fn post(
        &self,
        conversation: ConversationId,
        sender: UserId,
        post: Post,
    ) -> Result<Sent, Problem> {
        let done = self.ask(conversation, sender, Ask::Post(Arc::new(post)));
        done.await?.sent().ok_or_else(Problem::internal)
    }

    /// Asks something of a conversation, and answers once it is on disk.
    ///
    /// # Errors
    /// As [`Engine::post`].
    pub async fn ask(
        &self,
        conversation: ConversationId,
        actor: UserId,
        ask: Ask,
    ) -> Result<Done, Problem> {
        let (caller, answer) = oneshot::channel();
        self.send(conversation, |ticket| RoomCommand::Ask {
            actor,
            ask,
            reply: Reply::caller(caller, ticket),
        });
        // No answer at all would be a Room's death: who asked may retry.
        answer.await.unwrap_or_else(|_| Err(Problem::busy()))
    }

    /// Somebody is shown as this from now on, in every Room.
    pub fn renamed(&self, user: &User) {
        self.inner.hub.renamed(user);
    }

    /// The one door to every Room: from the moment the engine stops, it is
    /// closed.
    fn send(&self, conversation: ConversationId, command: impl FnOnce(Ticket) -> RoomCommand) {
        if self.is_stopping() {
            // Dropped, it answers `busy`.
            drop(command(Ticket::void()));
        } else {
            self.inner.hub.send(conversation, command);
        }
    }

    /// Tells every session of a person that isn't bound to one conversation.
    pub fn tell(&self, user: UserId, event: &Event) {
        self.inner
            .directory
            .deliver([user], &[Frame::passing(event.encode())].into());
    }

    /// Shows a conversation that is new to those of these people who are
    /// here.
    pub async fn show(&self, users: &[UserId], id: ConversationId) -> Result<(), StoreError> {
        let users = self.inner.directory.present(users);
        if users.is_empty() {
            return Ok(());
        }
        for (user, view) in self.inner.store.conversation_for(&users, id).await? {
            let conversation = Box::new(view);
            self.tell(user, &Event::Conversation { conversation });
        }
        Ok(())
    }

    /// Closes the sockets of a login that ended.
    pub fn end_login(&self, user: UserId, login: LoginId) {
        self.inner
            .directory
            .close_login(user, login, CloseCode::LoginEnded);
    }

    /// Whether it takes nothing new any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.is_stopping.load(Ordering::Acquire)
    }

    /// Stops in order: no new sends, the Journal writes what it has and the
    /// Rooms tell it, every socket is closed with 1001, and nobody is left
    /// online.
    pub async fn stop(&self) {
        let inner = &self.inner;
        inner.is_stopping.store(true, Ordering::Release);
        let grace = inner.settings.timings.shutdown_grace;
        if tokio::time::timeout(grace, inner.hub.settled())
            .await
            .is_err()
        {
            tracing::error!("what was being sent did not settle in time");
        }
        inner.directory.close_all(CloseCode::Away);
        if tokio::time::timeout(grace, inner.directory.emptied())
            .await
            .is_err()
        {
            tracing::warn!("some sockets did not close in time");
        }
        if tokio::time::timeout(grace, inner.presence.stop())
            .await
            .is_err()
        {
            tracing::warn!("who is offline was not written in time");
        }
        for arbiter in &inner.arbiters {
            arbiter.stop();
        }
    }
}

/// Where the `at`th of the engine's own actors runs: they take turns.
fn place(arbiters: &[Arbiter], at: usize) -> ArbiterHandle {
    arbiters
        .get(at % arbiters.len().max(1))
        .map_or_else(Arbiter::current, Arbiter::handle)
}
