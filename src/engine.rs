//! The actors, the Directory, and the messages they exchange.
//!
//! Reading order: [`ports`] (what flows upwards), [`directory`] (who is
//! here), [`journal`] (the one writer), [`room`] (a conversation in use),
//! [`hub`] (which rooms are live), [`presence`], [`session`] (a socket),
//! [`overview`] (how all of it does).
//! [`Engine`] is the handle to all of it that the web layer holds.

mod background;
mod cleanup;
mod deadline;
pub mod directory;
mod epochs;
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
use crate::protocol::{CloseCode, Conversation, Event, Problem, Sending, User};
use crate::store::append::Post;
use crate::store::{Store, StoreError};

use background::BackgroundTasks;
pub use deadline::Deadline;
use directory::{Directory, SessionBounds};
use hub::HubHandle;
use journal::JournalHandle;
use ports::Frame;
use presence::PresenceHandle;
use pulse::Pulse;
use rates::Rates;
use reply::{Done, Reply, Sent, Ticket};
use room::messages::{Ask, RoomCommand};
use storage::StorageGuard;
use testing::Faults;

/// The engine as the layers above use it: a cheap clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    started: Instant,
    settings: Settings,
    store: Store,
    history: History,
    counters: Arc<Counters>,
    directory: Directory,
    hub: HubHandle,
    presence: PresenceHandle,
    rates: Arc<Rates>,
    storage: Arc<StorageGuard>,
    is_stopping: AtomicBool,
    /// A few sessions at a time read what they missed.
    resume_reads: Semaphore,
    pulse: Pulse,
    background: BackgroundTasks,
    /// Empty once it stopped.
    arbiters: Mutex<Vec<Arbiter>>,
}

/// What clients compare with what they keep.
struct History {
    /// Which history the database has.
    epoch: String,
    /// Up to which people version changed names were sent.
    people_version: AtomicI64,
}

impl History {
    /// Before the first session, nothing has to be sent.
    async fn of(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            epoch: store.epoch().await?.name,
            people_version: AtomicI64::new(store.people_version().await?),
        })
    }
}

/// As many threads for Rooms as there are cores, up to a bound.
fn room_threads(settings: &Settings) -> Vec<Arbiter> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = cores.min(settings.limits.event_loops);
    (0..threads).map(|_| Arbiter::new()).collect()
}

impl Engine {
    /// Starts the actors. Rooms are spread over as many arbiters as there are
    /// cores, and the others share one; these are the engine's own, since it
    /// outlives the HTTP server when it stops.
    ///
    /// # Errors
    /// Where the store fails to note that this process serves.
    pub async fn start(
        settings: &Settings,
        store: Store,
        faults: Faults,
    ) -> Result<Self, StoreError> {
        // What may fail comes first: nothing runs yet that would have to stop.
        let node = store.join_as_node(Millis::now()).await?;
        let history = History::of(&store).await?;
        let rooms_at = room_threads(settings);
        // Apart from the Rooms, so that one that is busy holds up those beside
        // it and nobody else.
        let core = Arbiter::new();
        let counters = Arc::<Counters>::default();
        let storage = Arc::new(StorageGuard::new(settings));
        let directory = Directory::new(Arc::clone(&counters), SessionBounds::of(settings));
        let rates = Rates::new(&settings.rates, Arc::clone(&counters), faults.clone());
        let rates = Arc::new(rates);
        let journal = journal::Parts {
            store: store.clone(),
            rates: Arc::clone(&rates),
            batch_max: settings.limits.journal_batch,
            counters: Arc::clone(&counters),
            faults: faults.clone(),
        };
        let presence = presence::Parts {
            store: store.clone(),
            directory: directory.clone(),
            node,
            timings: settings.timings.clone(),
        };
        let presence = PresenceHandle::start(&core.handle(), presence);
        let rooms = room::Deps {
            store: store.clone(),
            directory: directory.clone(),
            journal: JournalHandle::start(&core.handle(), journal),
            presence: presence.clone(),
            idle_after: settings.timings.room_idle_after,
            gather_marks: settings.timings.marks_gathered_for,
            counters: Arc::clone(&counters),
            storage: Arc::clone(&storage),
            faults,
        };
        let places = rooms_at.iter().map(Arbiter::handle).collect();
        let hub = HubHandle::start(&core.handle(), rooms, places, settings.limits.pending_sends);
        let inner = Inner {
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
            pulse: Pulse::default(),
            background: BackgroundTasks::default(),
            // The Hub goes first, or it would replace Rooms that go.
            arbiters: Mutex::new([core].into_iter().chain(rooms_at).collect()),
        };
        let engine = Self {
            inner: Arc::new(inner),
        };
        engine.start_watching();
        Ok(engine)
    }

    /// Sends a message as somebody asked for it, and answers once it is on
    /// disk. A retry is answered with its message, whatever its content.
    ///
    /// # Errors
    /// As [`Engine::post`]; what is wrong with the content.
    pub async fn send_message(
        &self,
        conversation: ConversationId,
        sender: UserId,
        sending: Sending,
    ) -> Result<Sent, Problem> {
        let done = self.ask(conversation, sender, Ask::sending(sending)?);
        done.await?.sent().ok_or_else(Problem::internal)
    }

    /// What an engine does by itself, as long as there is one.
    fn start_watching(&self) {
        logins::watch(self);
        names::watch(self);
        storage::watch(self);
        cleanup::run(self);
        progress::watch(self);
        epochs::note(self);
        pulse::take(self, self.inner.settings.timings.pulse_every);
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

    /// Makes a change of a conversation that no Room judges, and has it told.
    /// The Room is there before the change, so that it knows what is new. It is
    /// done in a task of its own: whoever asked may hang up.
    ///
    /// # Errors
    /// `busy` where too much is under way; why the change failed.
    pub async fn from_outside<T: Send + 'static>(
        &self,
        id: ConversationId,
        change: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Problem> {
        let engine = self.clone();
        task::in_task(async move {
            let (caller, there) = oneshot::channel();
            engine.send(id, |ticket| RoomCommand::Await(caller, ticket));
            // As long as it is held, the Room stays.
            let ticket = there.await.map_err(|_| Problem::busy())?;
            let done = change.await;
            // Also where that failed: it may have been written all the same.
            engine.inner.hub.send_on(id, RoomCommand::CatchUp(ticket));
            Ok(done?)
        })
        .await
    }

    /// Somebody is shown as this from now on, in every Room.
    pub fn renamed(&self, user: &User) {
        self.inner.hub.renamed(user);
    }

    /// Two people may write to each other from now on, or may not any more:
    /// their conversation's Room learns it. What it judges it would judge
    /// again; what it tells without asking the Journal, it wouldn't.
    ///
    /// # Errors
    /// Where it can't be read which conversation that is.
    pub async fn reopened(&self, one: UserId, two: UserId) -> Result<(), StoreError> {
        if let Some(id) = self.inner.store.direct_between(one, two).await? {
            self.inner.hub.refresh(id);
        }
        Ok(())
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
            .deliver([user], &[Frame::passing(event)].into());
    }

    /// Tells each of two people, who know each other from now on, how the
    /// other stands: after all that they were told before this.
    pub async fn introduce(&self, one: UserId, two: UserId) {
        self.inner.presence.introduce(one, two).await;
    }

    /// Waits until the statuses that are being told are told. After a change
    /// of who may know whom, no older knowledge is told any more.
    pub async fn statuses_told(&self) {
        self.inner.presence.settled().await;
    }

    /// Shows a conversation that is new to those of these people who are
    /// here. It is there whether or not they can be told, and whoever made it
    /// may hang up: it is done in a task of its own, and a failure is logged.
    pub async fn show(&self, users: &[UserId], id: ConversationId) {
        let users = self.inner.directory.present(users);
        if users.is_empty() {
            return;
        }
        let engine = self.clone();
        let token = self.inner.background.token();
        task::in_task(async move {
            let _token = token;
            match engine.inner.store.conversation_for(&users, id).await {
                Ok(views) => engine.tell_views(views),
                Err(error) => {
                    tracing::error!(conversation = %id, %error, "can't show a new conversation");
                }
            }
        })
        .await;
    }

    fn tell_views(&self, views: Vec<(UserId, Conversation)>) {
        for (user, view) in views {
            let conversation = Box::new(view);
            self.tell(user, &Event::Conversation { conversation });
        }
    }

    /// Closes the sockets of a login that ended.
    pub fn end_login(&self, user: UserId, login: LoginId) {
        self.inner
            .directory
            .close_login(user, login, CloseCode::LoginEnded);
    }

    /// Which history the database has.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.inner.history.epoch
    }

    /// Up to which people version changed names were sent. What is read after
    /// this has them.
    #[must_use]
    pub fn people_version(&self) -> i64 {
        self.inner.history.people_version.load(Ordering::Acquire)
    }

    /// How much each may ask for, on sockets and elsewhere together.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.inner.rates
    }

    /// Whether it takes nothing new any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.is_stopping.load(Ordering::Acquire)
    }
}
