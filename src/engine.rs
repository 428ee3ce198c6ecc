//! The actors, the Directory, and the messages they exchange.
//!
//! Reading order: [`ports`], [`directory`], [`journal`], [`room`], [`hub`],
//! [`presence`], [`session`], [`overview`]. [`Engine`] is the handle that the
//! web layer holds.

mod background;
mod cleanup;
mod deadline;
pub mod directory;
mod epochs;
pub(crate) mod fault_hooks;
pub mod hub;
pub mod journal;
mod logins;
mod names;
pub mod overview;
pub mod ports;
pub mod presence;
mod probing;
mod progress;
pub mod pulse;
pub mod rates;
pub mod reply;
pub mod room;
pub mod session;
mod stopping;
pub mod storage;
mod task;
pub mod testing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use actix::Arbiter;
use entity::{ConversationId, LoginId, Millis, UserId};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use crate::config::Settings;
use crate::counters::Counters;
use crate::protocol::{
    CloseCode, Conversation, ConversationAction, GroupCommand, Problem, ServerEvent,
    SubmittedMessage, User,
};
use crate::store::append::AppendOutcome;
use crate::store::{Store, StoreError};

use background::BackgroundTasks;
pub use deadline::ShutdownDeadline;
use directory::{Directory, SessionBounds};
use fault_hooks::FaultHooks;
use hub::HubHandle;
use journal::JournalHandle;
use ports::EventFrame;
use presence::PresenceHandle;
use pulse::PulseHistory;
use rates::RateLimiters;
use reply::{CommandReply, CommandTicket};
use room::messages::RoomCommand;
use storage::StorageGuard;

/// The engine as the layers above use it: a cheap clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<EngineInner>,
}

struct EngineInner {
    started: Instant,
    settings: Settings,
    store: Store,
    history: HistoryVersions,
    counters: Arc<Counters>,
    directory: Directory,
    hub: HubHandle,
    presence: PresenceHandle,
    rates: Arc<RateLimiters>,
    storage: Arc<StorageGuard>,
    is_stopping: AtomicBool,
    /// Bounds how many sessions read missed changes at a time.
    resume_reads: Semaphore,
    pulse: PulseHistory,
    background: BackgroundTasks,
    /// Empty once the engine has stopped.
    arbiters: Mutex<Vec<Arbiter>>,
}

/// The versions that clients compare with those of their own copies.
struct HistoryVersions {
    /// The name of the history that the database has.
    epoch: String,
    /// Sessions were sent all name changes up to this people version.
    people_version: AtomicI64,
}

impl HistoryVersions {
    /// Loads both versions. Earlier name changes needn't be sent.
    async fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            epoch: store.maintenance().load_epoch().await?.name,
            people_version: AtomicI64::new(store.name_changes().load_version().await?),
        })
    }
}

/// Starts one thread for Rooms per core, up to `limits.event_loops`.
fn start_room_threads(settings: &Settings) -> Vec<Arbiter> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = cores.min(settings.limits.event_loops);
    (0..threads).map(|_| Arbiter::new()).collect()
}

impl Engine {
    /// Starts the actors. The Rooms are spread over several arbiters, at most
    /// one per core; all other actors share one. The engine has its own
    /// arbiters because it outlives the HTTP server during shutdown.
    ///
    /// # Errors
    /// If the store fails to register this process as a node.
    pub async fn start(
        settings: &Settings,
        store: Store,
        faults: FaultHooks,
    ) -> Result<Self, StoreError> {
        // Steps that may fail come first: after a failure, no actor has to be
        // stopped.
        let node = store.presence().register_node(Millis::now()).await?;
        let history = HistoryVersions::load(&store).await?;
        let rooms_at = start_room_threads(settings);
        // The other actors have their own thread: a busy Room delays only Rooms.
        let core = Arbiter::new();
        let counters = Arc::<Counters>::default();
        let storage = Arc::new(StorageGuard::new(settings));
        let directory = Directory::new(Arc::clone(&counters), SessionBounds::of(settings));
        let rates = RateLimiters::new(&settings.rates, Arc::clone(&counters), faults.clone());
        let journal = journal::JournalDeps {
            store: store.clone(),
            rates: Arc::clone(&rates),
            batch_max: settings.limits.journal_batch,
            counters: Arc::clone(&counters),
            faults: faults.clone(),
        };
        let presence = presence::PresenceDeps {
            store: store.clone(),
            directory: directory.clone(),
            node,
            timings: settings.timings.clone(),
        };
        let presence = PresenceHandle::start(&core.handle(), presence);
        let rooms = room::RoomDeps {
            store: store.clone(),
            directory: directory.clone(),
            journal: JournalHandle::start(&core.handle(), journal),
            presence: presence.clone(),
            idle_after: settings.timings.room_idle_after,
            marks_delay: settings.timings.marker_batch_window,
            counters: Arc::clone(&counters),
            storage: Arc::clone(&storage),
            rates: Arc::clone(&rates),
            faults,
        };
        let places = rooms_at.iter().map(Arbiter::handle).collect();
        let hub = HubHandle::start(&core.handle(), rooms, places, settings.limits.pending_sends);
        let inner = EngineInner {
            started: Instant::now(),
            settings: settings.clone(),
            store,
            history,
            counters,
            directory,
            hub,
            presence,
            rates,
            storage,
            is_stopping: AtomicBool::new(false),
            resume_reads: Semaphore::new(settings.limits.resume_reads),
            pulse: PulseHistory::default(),
            background: BackgroundTasks::default(),
            // The Hub stops first, or it would replace Rooms that stop.
            arbiters: Mutex::new([core].into_iter().chain(rooms_at).collect()),
        };
        let engine = Self {
            inner: Arc::new(inner),
        };
        engine.start_background_tasks();
        Ok(engine)
    }

    /// Sends a message from a request body, and returns its outcome once it is
    /// on disk. A retry returns the stored message, even if its content
    /// differs.
    ///
    /// # Errors
    /// Those of [`Engine::execute_action`], or the problem of invalid content.
    pub async fn send_message(
        &self,
        conversation: ConversationId,
        sender: UserId,
        message: SubmittedMessage,
    ) -> Result<AppendOutcome, Problem> {
        let message = Arc::new(message.require_text_or_id()?);
        self.execute_action(conversation, sender, ConversationAction::Send(message))
            .await
    }

    /// Starts the tasks that run as long as the engine does.
    fn start_background_tasks(&self) {
        logins::watch_logins(self);
        names::watch_names(self);
        storage::watch_disk(self);
        cleanup::start_cleanup(self);
        progress::watch_progress(self);
        epochs::note_epochs(self);
        pulse::start_pulse(self, self.inner.settings.timings.pulse_every);
    }

    /// Executes an action in a conversation's Room, and returns its outcome once
    /// it is on disk.
    ///
    /// # Errors
    /// The reason of the refusal; `busy` if the result is unknown: a retry with
    /// the same `client_id` returns it.
    pub async fn execute_action(
        &self,
        conversation: ConversationId,
        actor: UserId,
        action: ConversationAction<GroupCommand>,
    ) -> Result<AppendOutcome, Problem> {
        let (caller, answer) = oneshot::channel();
        self.send_command(conversation, |ticket| RoomCommand::Execute {
            actor,
            action,
            reply: CommandReply::for_caller(caller, ticket),
        });
        // No answer means that the Room died: the caller may retry.
        answer.await.map_err(|_| Problem::busy())?.into_result()
    }

    /// Runs a change that bypasses the conversation's Room, then asks the Room
    /// to announce it. The Room is loaded before the change, so that it knows
    /// which changes are new. The change runs in a separate task, which
    /// continues if the caller disconnects.
    ///
    /// # Errors
    /// `busy` if too many commands are pending, or the error of the change.
    pub async fn apply_external_change<T: Send + 'static>(
        &self,
        id: ConversationId,
        change: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Problem> {
        let engine = self.clone();
        task::run_in_task(async move {
            let (caller, loaded) = oneshot::channel();
            engine.send_command(id, |ticket| RoomCommand::AwaitLoad(caller, ticket));
            // The ticket keeps the Room alive while it is held.
            let ticket = loaded.await.map_err(|_| Problem::busy())?;
            let done = change.await;
            // Even after an error, since the change may be on disk.
            let hub = &engine.inner.hub;
            hub.send_with_ticket(id, RoomCommand::CatchUp(ticket));
            Ok(done?)
        })
        .await
    }

    /// Passes a user's new name to every live Room.
    pub fn rename_user(&self, user: &User) {
        self.inner.hub.rename_user(user);
    }

    /// Refreshes the Room of two users' direct conversation after their right
    /// to write to each other changed. The Journal checks commands again, but
    /// typing indicators bypass the Journal.
    ///
    /// # Errors
    /// If the store can't look up the conversation.
    pub async fn refresh_direct(&self, one: UserId, two: UserId) -> Result<(), StoreError> {
        let conversations = self.inner.store.conversations();
        if let Some(id) = conversations.find_direct(one, two).await? {
            self.inner.hub.refresh_room(id);
        }
        Ok(())
    }

    /// Sends a command to a Room, or refuses it once the engine stops.
    fn send_command(
        &self,
        conversation: ConversationId,
        command: impl FnOnce(CommandTicket) -> RoomCommand,
    ) {
        if self.is_stopping() {
            // A dropped command answers `busy`.
            drop(command(CommandTicket::untracked()));
        } else {
            self.inner.hub.send_command(conversation, command);
        }
    }

    /// Delivers an event to every session of a user that isn't bound to a
    /// conversation.
    pub fn deliver_event(&self, user: UserId, event: &ServerEvent) {
        self.inner
            .directory
            .deliver([user], &[EventFrame::transient(event)].into());
    }

    /// Sends two users, who know each other from now on, each other's status.
    /// Earlier status changes are sent first.
    pub async fn exchange_statuses(&self, one: UserId, two: UserId) {
        self.inner.presence.exchange_statuses(one, two).await;
    }

    /// Waits until the statuses under way have been sent. After this call, no
    /// status goes to recipients that were read before the call.
    pub async fn wait_for_statuses(&self) {
        self.inner.presence.wait_until_settled().await;
    }

    /// Sends a new conversation to its members who have sessions. A failure is
    /// only logged, since the conversation exists either way. Runs in its own
    /// task, since the caller may disconnect.
    pub async fn show_conversation(&self, users: &[UserId], id: ConversationId) {
        let users = self.inner.directory.filter_present(users);
        if users.is_empty() {
            return;
        }
        let engine = self.clone();
        let token = self.inner.background.new_token();
        task::run_in_task(async move {
            let _token = token;
            let conversations = engine.inner.store.conversations();
            match conversations.load_views(&users, id).await {
                Ok(views) => engine.deliver_views(views),
                Err(error) => {
                    tracing::error!(conversation = %id, %error, "can't send a new conversation");
                }
            }
        })
        .await;
    }

    fn deliver_views(&self, views: Vec<(UserId, Conversation)>) {
        for (user, view) in views {
            let conversation = Box::new(view);
            self.deliver_event(user, &ServerEvent::Conversation { conversation });
        }
    }

    /// Closes the sockets of a login that ended.
    pub fn end_login(&self, user: UserId, login: LoginId) {
        self.inner
            .directory
            .close_login(user, login, CloseCode::LoginEnded);
    }

    /// Returns the name of the database's history.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.inner.history.epoch
    }

    /// Returns the people version up to which changed names were sent. Names
    /// that are read after this call include those changes.
    #[must_use]
    pub fn people_version(&self) -> i64 {
        self.inner.history.people_version.load(Ordering::Acquire)
    }

    /// Returns the rate limits, which sockets and HTTP requests share.
    #[must_use]
    pub fn rates(&self) -> &RateLimiters {
        &self.inner.rates
    }

    /// Returns whether the engine refuses new work.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.is_stopping.load(Ordering::Acquire)
    }
}
