//! **Journal** — one per process: the one writer of what Rooms want on disk.
//!
//! - Owns: the queue of appends, and the one transaction under way.
//! - Accepts: [`messages::Write`], through [`JournalHandle`].
//! - Emits: `Committed` to the Room, and `Orphaned` to the Hub where that Room
//!   is no more, or where nobody knows whether it was committed.
//! - Order: appends are committed in the order they came, and a Room hears of
//!   its own in that order. What came while a transaction was under way is
//!   the next one: no lingering.
//! - Overflow: every append comes with a ticket of who asked for it, and the
//!   Hub gives out no more of those than may wait here.
//! - Stop: when every ticket is back, all is on disk and told. A panic aborts
//!   the process, since nothing may be told that isn't known to be on disk.

mod batch;
mod costs;
mod handle;
pub mod messages;

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use entity::Millis;
use tokio::time::Instant;

use crate::counters::Counters;
use crate::engine::rates::Rates;
use crate::protocol::Problem;
use crate::store::append::{Append, Commit, Outcome};
use crate::store::{StatementMeter, Store, StoreError, paid_by};

use super::task::in_task;
use super::testing::Faults;
use batch::Batch;
pub use handle::JournalHandle;
use messages::Write;

/// What the Journal works with.
pub(super) struct Parts {
    pub(super) store: Store,
    /// What its statements take is charged to the users who asked.
    pub(super) rates: Arc<Rates>,
    /// The most entries in one transaction.
    pub(super) batch_max: usize,
    pub(super) counters: Arc<Counters>,
    pub(super) faults: Faults,
}

/// The actor; see the module's documentation.
pub struct Journal {
    parts: Parts,
    queue: VecDeque<Write>,
    is_writing: bool,
    _abort: AbortOnPanic,
}

impl Journal {
    fn new(parts: Parts) -> Self {
        Self {
            parts,
            queue: VecDeque::new(),
            is_writing: false,
            _abort: AbortOnPanic,
        }
    }

    /// Commits what waits, then what came meanwhile, until nothing waits.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        let batch = Batch::take(&mut self.queue, self.parts.batch_max);
        if batch.is_empty() {
            self.is_writing = false;
            return;
        }
        self.parts.faults.before_commit();
        let (store, rates) = (self.parts.store.clone(), Arc::clone(&self.parts.rates));
        let began = Instant::now();
        let write = async move {
            let meter = Arc::<StatementMeter>::default();
            let commits = paid_by(meter.clone(), commit(&store, &batch.appends)).await;
            rates.charge_shares(&costs::shares(&batch.appends, &commits, meter.total()));
            (batch, commits)
        };
        ctx.spawn(
            in_task(write)
                .into_actor(self)
                .map(move |(batch, commits), journal, ctx| {
                    journal.count(&batch, &commits, began);
                    batch.answer(commits);
                    journal.flush(ctx);
                }),
        );
    }
}

impl Journal {
    fn count(&self, batch: &Batch, commits: &[Commit], began: Instant) {
        let counters = &self.parts.counters;
        counters.batch(batch.appends.len(), began.elapsed());
        for outcome in commits.iter().flat_map(|commit| &commit.outcomes) {
            match outcome {
                Outcome::Posted { .. } => counters.messages.one(),
                Outcome::Stale => counters.stale.one(),
                _ => {}
            }
        }
    }
}

impl Actor for Journal {
    type Context = Context<Self>;
}

impl Handler<Write> for Journal {
    type Result = ();

    fn handle(&mut self, write: Write, ctx: &mut Context<Self>) {
        self.queue.push_back(write);
        if !self.is_writing {
            self.is_writing = true;
            // Started as a future, so that everything that is in the mailbox
            // by now gets into the first batch.
            ctx.spawn(
                async {}
                    .into_actor(self)
                    .map(|(), journal, ctx| journal.flush(ctx)),
            );
        }
    }
}

/// A batch that PostgreSQL rolled back for want of locks is tried again this
/// often before those in it hear of that.
const LOCK_RETRIES: usize = 3;

/// Commits a batch. Where the database refuses it, by one entry's fault, each
/// is tried alone, so that one bad entry costs nobody else anything: what
/// became of them, transaction by transaction.
async fn commit(store: &Store, appends: &[Append]) -> Vec<Commit> {
    let mut done = store.append(appends, Millis::now()).await;
    for _ in 0..LOCK_RETRIES {
        match &done {
            Err(error) if error.is_rolled_back() => {
                done = store.append(appends, Millis::now()).await;
            }
            _ => break,
        }
    }
    match done {
        Ok(commit) => vec![commit],
        Err(StoreError::Internal(cause)) if appends.len() > 1 => {
            tracing::error!(%cause, entries = appends.len(), "a batch failed; trying each alone");
            each_alone(appends, |alone| store.append(alone, Millis::now())).await
        }
        Err(error) => vec![failed(error, appends.len())],
    }
}

/// Where the database goes meanwhile, the rest isn't tried: each would wait for
/// it in turn, and all who write behind them.
async fn each_alone<'a, Writing>(
    appends: &'a [Append],
    write: impl Fn(&'a [Append]) -> Writing,
) -> Vec<Commit>
where
    Writing: Future<Output = Result<Commit, StoreError>>,
{
    let mut all = Vec::with_capacity(appends.len());
    let mut rest = appends.chunks(1);
    while let Some(alone) = rest.next() {
        let done = write(alone).await;
        let is_gone = matches!(
            done,
            Err(StoreError::Unavailable(_) | StoreError::Unsure(_))
        );
        all.push(done.unwrap_or_else(|error| failed(error, 1)));
        if is_gone {
            all.extend(rest.map(|_| refused(Problem::unavailable(), 1)));
            break;
        }
    }
    all
}

fn failed(error: StoreError, count: usize) -> Commit {
    Commit {
        is_unsure: matches!(error, StoreError::Unsure(_)),
        ..refused(Problem::from(error), count)
    }
}

fn refused(problem: Problem, count: usize) -> Commit {
    Commit {
        outcomes: vec![Outcome::Refused(problem); count],
        ..Commit::default()
    }
}

/// A panic while it writes leaves it unknown what is on disk.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the journal panicked: aborting, since nobody knows what is on disk");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests;
