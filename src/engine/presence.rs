//! **Presence** — one per process: who is here.
//!
//! - Owns: how many sessions each user has; see [`tracker`], which is pure.
//! - Accepts: `Arrived` and `Left` from Sessions, through [`PresenceHandle`].
//! - Emits: who is online, and when those who aren't were last seen, to the
//!   store, four times a second at most; every 30 seconds that this process
//!   is alive.
//! - Order: a person's comings and goings are written in the order in which
//!   they happened; the last one stands.
//! - Overflow: what waits to be written is at most one entry per user.
//! - Stop: everybody is offline from then on, and it is written.

mod handle;
pub(super) mod messages;
mod tracker;

use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use entity::{Millis, NodeId};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::config::Timings;
use crate::store::{Result, Store};
pub use handle::{Here, PresenceHandle};
use messages::{Arrived, Left, Stop};
use tracker::{Changes, Tracker};

/// Comings and goings are gathered for this long.
const GATHER: Duration = Duration::from_millis(250);

/// What Presence works with.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) node: NodeId,
    pub(super) timings: Timings,
}

/// The actor; see the module's documentation.
pub struct Presence {
    parts: Parts,
    tracker: Tracker,
    is_writing: bool,
    stopped: Option<oneshot::Sender<()>>,
}

impl Presence {
    fn new(parts: Parts) -> Self {
        Self {
            tracker: Tracker::new(parts.timings.presence_grace),
            parts,
            is_writing: false,
            stopped: None,
        }
    }

    /// Writes what has changed, one write at a time. What couldn't be written
    /// is written with what comes next.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.is_writing {
            return;
        }
        let changes = self.tracker.changes(Instant::now());
        if changes.is_empty() {
            return self.finish();
        }
        self.is_writing = true;
        let (store, node) = (self.parts.store.clone(), self.parts.node);
        let write = async move {
            let done = write(&store, node, &changes).await;
            (changes, done)
        };
        ctx.spawn(write.into_actor(self).map(|(changes, done), presence, _| {
            presence.is_writing = false;
            if let Err(error) = done {
                tracing::error!(%error, "can't write who is here; trying again");
                presence.tracker.not_written(changes);
            }
        }));
    }

    fn finish(&mut self) {
        if let Some(stopped) = self.stopped.take() {
            // Who waits for it may have given up.
            let _ = stopped.send(());
        }
    }
}

async fn write(store: &Store, node: NodeId, changes: &Changes) -> Result<()> {
    if !changes.online.is_empty() {
        store.set_online(node, &changes.online).await?;
    }
    if !changes.offline.is_empty() {
        store.set_offline(&changes.offline).await?;
    }
    Ok(())
}

impl Actor for Presence {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(GATHER, |presence, ctx| presence.flush(ctx));
        ctx.run_interval(self.parts.timings.node_alive_every, |presence, ctx| {
            let (store, node) = (presence.parts.store.clone(), presence.parts.node);
            let write = async move {
                if let Err(error) = store.node_alive(node, Millis::now()).await {
                    tracing::error!(%error, "can't write that this process is alive");
                }
            };
            ctx.spawn(write.into_actor(presence));
        });
    }
}

impl Handler<Arrived> for Presence {
    type Result = ();

    fn handle(&mut self, Arrived(user): Arrived, _: &mut Context<Self>) {
        self.tracker.arrived(user);
    }
}

impl Handler<Left> for Presence {
    type Result = ();

    fn handle(&mut self, Left(user): Left, _: &mut Context<Self>) {
        self.tracker.left(user, Instant::now(), Millis::now());
    }
}

impl Handler<Stop> for Presence {
    type Result = ();

    fn handle(&mut self, Stop(stopped): Stop, ctx: &mut Context<Self>) {
        self.tracker.all_left(Instant::now(), Millis::now());
        self.stopped = Some(stopped);
        self.flush(ctx);
    }
}
