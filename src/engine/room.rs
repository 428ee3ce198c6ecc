//! **Room** — one per conversation in use.
//!
//! - Owns: the members, the appends at the Journal, and the version up to which
//!   changes were announced; see [`state`], which is pure.
//! - Accepts: [`messages::RoomCommand`] and `RetireRoom` from the Hub,
//!   `BatchCommit` from the Journal.
//! - Emits: appends to the Journal, deliveries to Sessions through the
//!   Directory, replies to callers, `RoomIdleNotice` and `RoomGoneNotice` to
//!   the Hub.
//! - Order: commands are checked as they come. Versions are announced without a
//!   gap, each before its reply.
//! - Overflow: the Hub's tickets bound the commands that the Room holds.
//! - Stop: only at the request of the Hub, which knows that no command is
//!   unanswered. If the Room panics, its callers are answered `busy`, and its
//!   successor announces the pending changes.

pub(crate) mod bench_room;
mod effects;
mod fanout;
mod handlers;
pub mod messages;
mod nonmembers;
pub(crate) mod rights;
mod state;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Recipient, WrapFuture};

use tokio::time::Instant;

use super::directory::Directory;
use super::fault_hooks::FaultHooks;
use super::journal::JournalHandle;
use super::journal::messages::RoomPort;
use super::ports::{OrphanNotice, RoomGoneNotice, RoomIdleNotice, RoomKey};
use super::presence::PresenceHandle;
use super::rates::RateLimiters;
use super::reply::{CommandReply, CommandTicket};
use super::storage::StorageGuard;
use super::task::run_in_task;
use crate::counters::Counters;
use crate::protocol::Problem;
use crate::store::{RoomRecord, Store, StoreError};
use state::RoomState;

/// The announced version before any Room of the conversation announced a
/// change.
pub(super) const NEVER_ANNOUNCED: i64 = -1;

/// The delay before a failed read of changes is tried again.
const READ_RETRY: Duration = Duration::from_secs(1);

/// The dependencies of a Room.
#[derive(Clone)]
pub struct RoomDeps {
    pub(super) store: Store,
    pub(super) directory: Directory,
    pub(super) journal: JournalHandle,
    pub(super) presence: PresenceHandle,
    pub(super) idle_after: Duration,
    /// The Room collects marker updates for this long before it submits them.
    pub(super) marks_delay: Duration,
    pub(super) counters: Arc<Counters>,
    /// Checks that there is space to store an append.
    pub(super) storage: Arc<StorageGuard>,
    /// Charges reads that answer a user who isn't a member.
    pub(super) rates: Arc<RateLimiters>,
    pub(super) faults: FaultHooks,
}

/// Identifies this Room, and holds its recipients in the Hub.
pub(super) struct RoomIdentity {
    pub(super) key: RoomKey,
    /// Changes are announced up to this version; outlives the Room.
    pub(super) announced_version: Arc<AtomicI64>,
    pub(super) hub: HubRecipients,
}

/// The recipients of messages to the Hub.
pub(super) struct HubRecipients {
    pub(super) idle: Recipient<RoomIdleNotice>,
    pub(super) gone: Recipient<RoomGoneNotice>,
    pub(super) orphaned: Recipient<OrphanNotice>,
}

/// The actor; see the module's documentation.
pub struct Room {
    deps: RoomDeps,
    identity: RoomIdentity,
    /// None until the conversation is loaded, also after a failed load.
    state: Option<RoomState<CommandReply>>,
    /// Tickets to be released once these versions are announced.
    pending_tickets: Vec<(i64, CommandTicket)>,
    last_command_at: Instant,
}

impl Room {
    pub(super) fn new(deps: RoomDeps, identity: RoomIdentity) -> Self {
        Self {
            deps,
            identity,
            state: None,
            pending_tickets: Vec::new(),
            last_command_at: Instant::now(),
        }
    }

    fn port(&self, room: Addr<Self>) -> RoomPort {
        RoomPort {
            key: self.identity.key,
            committed: room.recipient(),
            orphaned: self.identity.hub.orphaned.clone(),
        }
    }

    /// Loads the conversation, and calls `after` with the result.
    fn load(
        &self,
        ctx: &mut Context<Self>,
        after: impl FnOnce(Result<RoomRecord, StoreError>, &mut Self, &mut Context<Self>) + 'static,
    ) {
        let store = self.deps.store.clone();
        let conversation = self.identity.key.conversation;
        self.hold(
            ctx,
            async move { store.rooms().load(conversation).await },
            after,
        );
    }

    /// Runs `read`, then `after`. The mailbox is held meanwhile: commands queue
    /// until the state is complete. A handler must end with this call, since
    /// two waits of one handler would run in reverse order.
    #[expect(
        clippy::disallowed_methods,
        reason = "a Room's order depends on it, and it waits no longer than a read takes"
    )]
    fn hold<T: Send + 'static>(
        &self,
        ctx: &mut Context<Self>,
        read: impl Future<Output = T> + Send + 'static,
        after: impl FnOnce(T, &mut Self, &mut Context<Self>) + 'static,
    ) {
        ctx.wait(run_in_task(read).into_actor(self).map(after));
    }

    /// Loads the conversation at the start. After a failure the next command
    /// retries. If a predecessor announced changes, a timer retries as well.
    fn load_initially(&self, ctx: &mut Context<Self>) {
        self.load(ctx, |found, room, ctx| match &found {
            Err(StoreError::Refused(_)) => {}
            Err(_) if room.has_announced() => {
                ctx.run_later(READ_RETRY, |room, ctx| {
                    if room.state.is_none() {
                        room.load_initially(ctx);
                    }
                });
            }
            Err(_) => {}
            Ok(_) => {
                if let Ok(version) = room.apply_load(found) {
                    // A predecessor may have died before it announced all
                    // changes.
                    room.catch_up(version, ctx);
                }
            }
        });
    }

    /// Returns whether the Room has been idle for long enough to be stopped.
    fn is_idle(&self) -> bool {
        self.last_command_at.elapsed() >= self.deps.idle_after
            && match &self.state {
                Some(state) => state.is_idle(),
                // A Room that couldn't be loaded is kept if changes may be
                // unannounced: removing its slot would lose the announced
                // version.
                None => !self.has_announced(),
            }
    }

    /// Returns whether this Room or a predecessor announced any change.
    fn has_announced(&self) -> bool {
        self.identity.announced_version.load(Ordering::Acquire) != NEVER_ANNOUNCED
    }

    fn offer_retirement(&self) {
        self.identity
            .hub
            .idle
            .do_send(RoomIdleNotice(self.identity.key));
    }

    /// Applies the first load. Returns the version on disk, or the reason why
    /// the Room can't start.
    fn apply_load(&mut self, found: Result<RoomRecord, StoreError>) -> Result<i64, Problem> {
        let record = found.map_err(Problem::from)?;
        let version = record.version;
        let announced = match self.identity.announced_version.load(Ordering::Acquire) {
            NEVER_ANNOUNCED => version,
            announced => announced,
        };
        self.identity
            .announced_version
            .store(announced, Ordering::Release);
        self.state = Some(RoomState::new(record, announced));
        Ok(version)
    }
}

impl Actor for Room {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.load_initially(ctx);
        ctx.run_interval(self.deps.idle_after, |room, _| {
            if room.is_idle() {
                room.offer_retirement();
            }
        });
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.identity
            .hub
            .gone
            .do_send(RoomGoneNotice(self.identity.key));
    }
}
