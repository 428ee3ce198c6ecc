//! **Presence** — one per process: the users who are online.
//!
//! - Owns: the number of sessions of each user; see [`tracker`], which is pure.
//! - Accepts: `SessionArrived` and `SessionLeft` from Sessions,
//!   `ExchangeStatuses` and `SettlePresence` from the engine, through
//!   [`PresenceHandle`].
//! - Emits: online and last-seen changes, four times a second: first to the
//!   store, then to the sessions of users who may see them. The statuses of two
//!   users who come to know each other, at once. Every 30 seconds, a record in
//!   the store that this process is alive.
//! - Order: a user's status changes are stored and sent in the order in which
//!   they happened. A change is sent before the next one is stored.
//! - Overflow: at most one entry per user waits to be stored. Frames count
//!   against each session's budget, like all deliveries.
//! - Stop: takes every user offline, and stores that.

mod handle;
pub(super) mod messages;
mod notifier;
mod tracker;

use std::collections::BTreeSet;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use entity::{Millis, NodeId, UserId};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::directory::Directory;
use super::task::run_in_task;
use crate::config::ServerTimings;
use crate::store::{Result, Store};
pub use handle::{PresenceGuard, PresenceHandle};
use messages::{ExchangeStatuses, SessionArrived, SessionLeft, SettlePresence, StopPresence};
pub use notifier::{PresenceNotifier, StatusChanges};
use tracker::{PresenceChanges, PresenceTracker};

/// Status changes are collected for this long.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);

/// The dependencies of Presence.
pub(super) struct PresenceDeps {
    pub(super) store: Store,
    pub(super) directory: Directory,
    pub(super) node: NodeId,
    pub(super) timings: ServerTimings,
}

/// The actor; see the module's documentation.
pub struct Presence {
    deps: PresenceDeps,
    tracker: PresenceTracker,
    /// Users who know each other since the last flush.
    new_pairs: BTreeSet<(UserId, UserId)>,
    /// Callers that wait until the statuses of those pairs are sent.
    exchange_waiters: Vec<oneshot::Sender<()>>,
    is_notifying: bool,
    /// Callers that wait for the flush under way.
    settle_waiters: Vec<oneshot::Sender<()>>,
    stopped: Option<oneshot::Sender<()>>,
}

impl Presence {
    fn new(deps: PresenceDeps) -> Self {
        Self {
            tracker: PresenceTracker::new(deps.timings.presence_grace),
            deps,
            new_pairs: BTreeSet::new(),
            exchange_waiters: Vec::new(),
            is_notifying: false,
            settle_waiters: Vec::new(),
            stopped: None,
        }
    }

    /// Stores and sends the changes, one flush at a time. Changes of a failed
    /// flush are part of the next one.
    fn flush_changes(&mut self, ctx: &mut Context<Self>) {
        if self.is_notifying {
            return;
        }
        let changes = self.tracker.take_changes(Instant::now());
        let news = StatusChanges {
            changed: changes.announced_statuses(),
            new_pairs: std::mem::take(&mut self.new_pairs),
        };
        if changes.is_empty() && news.is_empty() {
            return self.finish_stop();
        }
        self.is_notifying = true;
        let notifier = PresenceNotifier {
            store: self.deps.store.clone(),
            directory: self.deps.directory.clone(),
        };
        let node = self.deps.node;
        let waiters = std::mem::take(&mut self.exchange_waiters);
        let work = async move {
            let done = store_and_notify(&notifier, node, &changes, &news).await;
            (changes, news, done)
        };
        let work = run_in_task(work).into_actor(self);
        ctx.spawn(work.map(|(changes, news, done), presence, ctx| {
            presence.is_notifying = false;
            release_waiters(waiters);
            match done {
                Ok(()) => presence.tracker.mark_announced(&changes),
                Err(error) => {
                    tracing::error!(%error, "can't store or send status changes; trying again");
                    presence.tracker.restore_changes(changes);
                    presence.new_pairs.extend(news.new_pairs);
                }
            }
            release_waiters(presence.settle_waiters.drain(..));
            if !presence.exchange_waiters.is_empty() {
                presence.flush_changes(ctx);
            }
        }));
    }

    fn finish_stop(&mut self) {
        release_waiters(self.stopped.take());
    }
}

fn release_waiters(waiting: impl IntoIterator<Item = oneshot::Sender<()>>) {
    for done in waiting {
        // The caller may have given up.
        let _ = done.send(());
    }
}

/// Stores the changes, then sends them. A change that can't be stored isn't
/// sent.
async fn store_and_notify(
    notifier: &PresenceNotifier,
    node: NodeId,
    changes: &PresenceChanges,
    news: &StatusChanges,
) -> Result<()> {
    if !changes.online.is_empty() {
        notifier
            .store
            .presence()
            .set_online(node, &changes.online)
            .await?;
    }
    if changes.offline.is_empty() {
        return notifier.notify_viewers(news).await;
    }
    let stored = notifier
        .store
        .presence()
        .set_offline(&changes.offline)
        .await?;
    notifier
        .notify_viewers(&news.with_stored_times(&stored))
        .await
}

impl Actor for Presence {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(FLUSH_INTERVAL, |presence, ctx| presence.flush_changes(ctx));
        ctx.run_interval(self.deps.timings.node_alive_every, |presence, ctx| {
            let (store, node) = (presence.deps.store.clone(), presence.deps.node);
            let write = async move {
                if let Err(error) = store.presence().touch_node(node, Millis::now()).await {
                    tracing::error!(%error, "can't record that this process is alive");
                }
            };
            ctx.spawn(run_in_task(write).into_actor(presence));
        });
    }
}

impl Handler<SessionArrived> for Presence {
    type Result = ();

    fn handle(&mut self, SessionArrived(user): SessionArrived, _: &mut Context<Self>) {
        self.tracker.add_session(user);
    }
}

impl Handler<SessionLeft> for Presence {
    type Result = ();

    fn handle(&mut self, SessionLeft(user): SessionLeft, _: &mut Context<Self>) {
        self.tracker
            .remove_session(user, Instant::now(), Millis::now());
    }
}

impl Handler<ExchangeStatuses> for Presence {
    type Result = ();

    fn handle(
        &mut self,
        ExchangeStatuses(pair, waiter): ExchangeStatuses,
        ctx: &mut Context<Self>,
    ) {
        self.new_pairs.insert(pair);
        self.exchange_waiters.push(waiter);
        self.flush_changes(ctx);
    }
}

impl Handler<SettlePresence> for Presence {
    type Result = ();

    fn handle(&mut self, SettlePresence(settled): SettlePresence, _: &mut Context<Self>) {
        if self.is_notifying {
            self.settle_waiters.push(settled);
        } else {
            release_waiters([settled]);
        }
    }
}

impl Handler<StopPresence> for Presence {
    type Result = ();

    fn handle(&mut self, StopPresence(stopped): StopPresence, ctx: &mut Context<Self>) {
        self.tracker.remove_all(Instant::now(), Millis::now());
        self.stopped = Some(stopped);
        self.flush_changes(ctx);
    }
}
