//! **Presence** — one per process: who is here.
//!
//! - Owns: how many sessions each user has; see [`tracker`], which is pure.
//! - Accepts: `Arrived` and `Left` from Sessions, `Introduce` and `Settle`
//!   from the engine, through [`PresenceHandle`].
//! - Emits: who is online, and when those who aren't were last seen, to the
//!   store, four times a second, and once that is written to everybody here who
//!   may know; to two who come to know each other at once; every 30 seconds
//!   that this process is alive.
//! - Order: a person's comings and goings are written and told in the order in
//!   which they happened; the last one stands. One is told before the next is
//!   written.
//! - Overflow: what waits to be written is at most one entry per user. What is
//!   told counts against each session's budget, like all that it is sent.
//! - Stop: everybody is offline from then on, and it is written.

mod handle;
pub(super) mod messages;
mod teller;
mod tracker;

use std::collections::BTreeSet;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use entity::{Millis, NodeId, UserId};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::directory::Directory;
use super::task::in_task;
use crate::config::Timings;
use crate::store::{Result, Store};
pub use handle::{Here, PresenceHandle};
use messages::{Arrived, Introduce, Left, Settle, Stop};
pub use teller::{News, Teller};
use tracker::{Changes, Tracker};

/// Comings and goings are gathered for this long.
const GATHER: Duration = Duration::from_millis(250);

/// What Presence works with.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) directory: Directory,
    pub(super) node: NodeId,
    pub(super) timings: Timings,
}

/// The actor; see the module's documentation.
pub struct Presence {
    parts: Parts,
    tracker: Tracker,
    /// Those who know each other since the last news.
    introduced: BTreeSet<(UserId, UserId)>,
    /// They wait until that is told.
    introducing: Vec<oneshot::Sender<()>>,
    is_telling: bool,
    /// They wait for what is being told.
    settling: Vec<oneshot::Sender<()>>,
    stopped: Option<oneshot::Sender<()>>,
}

impl Presence {
    fn new(parts: Parts) -> Self {
        Self {
            tracker: Tracker::new(parts.timings.presence_grace),
            parts,
            introduced: BTreeSet::new(),
            introducing: Vec::new(),
            is_telling: false,
            settling: Vec::new(),
            stopped: None,
        }
    }

    /// Writes what has changed and tells it, one after the other. What
    /// couldn't be is tried again with what comes next.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.is_telling {
            return;
        }
        let changes = self.tracker.changes(Instant::now());
        let news = News {
            changed: changes.news(),
            introduced: std::mem::take(&mut self.introduced),
        };
        if changes.is_empty() && news.is_empty() {
            return self.finish();
        }
        self.is_telling = true;
        let teller = Teller {
            store: self.parts.store.clone(),
            directory: self.parts.directory.clone(),
        };
        let node = self.parts.node;
        let introducing = std::mem::take(&mut self.introducing);
        let work = async move {
            let done = write_and_tell(&teller, node, &changes, &news).await;
            (changes, news, done)
        };
        let work = in_task(work).into_actor(self);
        ctx.spawn(work.map(|(changes, news, done), presence, ctx| {
            presence.is_telling = false;
            answer(introducing);
            match done {
                Ok(()) => presence.tracker.told(&changes),
                Err(error) => {
                    tracing::error!(%error, "can't tell who is here; trying again");
                    presence.tracker.not_told(changes);
                    presence.introduced.extend(news.introduced);
                }
            }
            answer(presence.settling.drain(..));
            if !presence.introducing.is_empty() {
                presence.flush(ctx);
            }
        }));
    }

    fn finish(&mut self) {
        answer(self.stopped.take());
    }
}

fn answer(waiting: impl IntoIterator<Item = oneshot::Sender<()>>) {
    for done in waiting {
        // Who waits for it may have given up.
        let _ = done.send(());
    }
}

/// What isn't written isn't told.
async fn write_and_tell(
    teller: &Teller,
    node: NodeId,
    changes: &Changes,
    news: &News,
) -> Result<()> {
    if !changes.online.is_empty() {
        teller.store.set_online(node, &changes.online).await?;
    }
    if changes.offline.is_empty() {
        return teller.tell(news).await;
    }
    let stored = teller.store.set_offline(&changes.offline).await?;
    teller.tell(&news.as_stored(&stored)).await
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
            ctx.spawn(in_task(write).into_actor(presence));
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

impl Handler<Introduce> for Presence {
    type Result = ();

    fn handle(&mut self, Introduce(pair, told): Introduce, ctx: &mut Context<Self>) {
        self.introduced.insert(pair);
        self.introducing.push(told);
        self.flush(ctx);
    }
}

impl Handler<Settle> for Presence {
    type Result = ();

    fn handle(&mut self, Settle(settled): Settle, _: &mut Context<Self>) {
        if self.is_telling {
            self.settling.push(settled);
        } else {
            answer([settled]);
        }
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
