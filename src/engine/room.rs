//! **Room** — one per conversation in use.
//!
//! - Owns: who takes part, what is under way to the Journal, and up to which
//!   version it has told; see [`state`], which is pure.
//! - Accepts: [`messages::RoomCommand`] and `Retire` from the Hub,
//!   `Committed` from the Journal.
//! - Emits: appends to the Journal, deliveries to Sessions by the Directory,
//!   replies to those who asked, `RoomIdle` and `RoomGone` to the Hub.
//! - Order: commands are judged as they come; versions are told one after the
//!   other without a gap, and before the replies that go with them.
//! - Overflow: what it holds is bounded by the Hub's tickets.
//! - Stop: only when the Hub says so, who knows that nothing is asked of it.
//!   Where it panics, those who asked are answered `busy`, and its successor
//!   tells what it left untold.

pub(crate) mod core;
mod effects;
mod fanout;
mod handlers;
pub mod messages;
pub(crate) mod rights;
mod state;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Recipient, WrapFuture};

use tokio::time::Instant;

use super::directory::Directory;
use super::journal::JournalHandle;
use super::journal::messages::RoomPort;
use super::ports::{Orphaned, RoomGone, RoomIdle, RoomKey};
use super::presence::PresenceHandle;
use super::reply::{Reply, Ticket};
use super::storage::StorageGuard;
use super::task::in_task;
use super::testing::Faults;
use crate::counters::Counters;
use crate::protocol::Problem;
use crate::store::{RoomRecord, Store, StoreError};
use state::State;

/// What a slot says of a conversation of which nothing was told yet.
pub(super) const NEVER_TOLD: i64 = -1;

/// Where something couldn't be read that is to be told, it is tried again
/// after this long.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// What every Room works with.
#[derive(Clone)]
pub struct Deps {
    pub(super) store: Store,
    pub(super) directory: Directory,
    pub(super) journal: JournalHandle,
    pub(super) presence: PresenceHandle,
    pub(super) idle_after: Duration,
    /// Marks are gathered for this long.
    pub(super) gather_marks: Duration,
    pub(super) counters: Arc<Counters>,
    /// What may still be stored.
    pub(super) storage: Arc<StorageGuard>,
    pub(super) faults: Faults,
}

/// Which Room this is, and its ways up.
pub(super) struct Origin {
    pub(super) key: RoomKey,
    /// Up to which version has been told; outlives the Room.
    pub(super) told: Arc<AtomicI64>,
    pub(super) hub: Upward,
}

/// The ways to the Hub.
pub(super) struct Upward {
    pub(super) idle: Recipient<RoomIdle>,
    pub(super) gone: Recipient<RoomGone>,
    pub(super) orphaned: Recipient<Orphaned>,
}

/// The actor; see the module's documentation.
pub struct Room {
    deps: Deps,
    origin: Origin,
    /// None until it is loaded, and where that failed.
    state: Option<State<Reply>>,
    /// What has to be told up to these versions before the tickets go back.
    untold: Vec<(i64, Ticket)>,
    asked_at: Instant,
}

impl Room {
    pub(super) fn new(deps: Deps, origin: Origin) -> Self {
        Self {
            deps,
            origin,
            state: None,
            untold: Vec::new(),
            asked_at: Instant::now(),
        }
    }

    fn port(&self, room: Addr<Self>) -> RoomPort {
        RoomPort {
            key: self.origin.key,
            committed: room.recipient(),
            orphaned: self.origin.hub.orphaned.clone(),
        }
    }

    /// Loads the conversation; `after` sees how it went.
    fn load(
        &self,
        ctx: &mut Context<Self>,
        after: impl FnOnce(Result<RoomRecord, StoreError>, &mut Self, &mut Context<Self>) + 'static,
    ) {
        let store = self.deps.store.clone();
        let conversation = self.origin.key.conversation;
        self.hold(ctx, async move { store.room(conversation).await }, after);
    }

    /// Reads something before anything else happens: the mailbox is held, so
    /// that what is asked meanwhile queues behind a complete state. A handler
    /// ends with this, since two in one would run in reverse.
    #[expect(
        clippy::disallowed_methods,
        reason = "a Room's order rests on it, and nothing on a Room's way is slower than a read"
    )]
    fn hold<T: Send + 'static>(
        &self,
        ctx: &mut Context<Self>,
        read: impl Future<Output = T> + Send + 'static,
        after: impl FnOnce(T, &mut Self, &mut Context<Self>) + 'static,
    ) {
        ctx.wait(in_task(read).into_actor(self).map(after));
    }

    /// The load at the start. Where it fails, the first command has it tried
    /// again; what a predecessor left untold waits for none.
    fn load_first(&self, ctx: &mut Context<Self>) {
        self.load(ctx, |found, room, ctx| match &found {
            Err(StoreError::Refused(_)) => {}
            Err(_) if room.has_told() => {
                ctx.run_later(READ_AGAIN, |room, ctx| {
                    if room.state.is_none() {
                        room.load_first(ctx);
                    }
                });
            }
            Err(_) => {}
            Ok(_) => {
                if let Ok(version) = room.loaded(found) {
                    // A predecessor may have died before it told everything.
                    room.catch_up(version, ctx);
                }
            }
        });
    }

    /// Whether it has had nothing to do for long enough.
    fn is_idle(&self) -> bool {
        self.asked_at.elapsed() >= self.deps.idle_after
            && match &self.state {
                Some(state) => state.is_idle(),
                // One that couldn't be loaded is kept where it may have
                // something to tell: with its slot goes the memory of what was
                // told.
                None => !self.has_told(),
            }
    }

    /// Whether anything of the conversation was ever told, by it or before it.
    fn has_told(&self) -> bool {
        self.origin.told.load(Ordering::Acquire) != NEVER_TOLD
    }

    fn offer_to_go(&self) {
        self.origin.hub.idle.do_send(RoomIdle(self.origin.key));
    }

    /// What the load at the start found: up to which version there is
    /// something on disk, or why there is no Room to be had.
    fn loaded(&mut self, found: Result<RoomRecord, StoreError>) -> Result<i64, Problem> {
        let record = found.map_err(Problem::from)?;
        let version = record.version;
        let told = match self.origin.told.load(Ordering::Acquire) {
            NEVER_TOLD => version,
            told => told,
        };
        self.origin.told.store(told, Ordering::Release);
        self.state = Some(State::new(record, told));
        Ok(version)
    }
}

impl Actor for Room {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.load_first(ctx);
        ctx.run_interval(self.deps.idle_after, |room, _| {
            if room.is_idle() {
                room.offer_to_go();
            }
        });
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.origin.hub.gone.do_send(RoomGone(self.origin.key));
    }
}
