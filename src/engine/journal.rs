//! **Journal** — one per process: the only writer of what Rooms store.
//!
//! - Owns: the queue of appends, and the one transaction under way.
//! - Accepts: [`messages::AppendCommand`], through [`JournalHandle`].
//! - Emits: to each Room its part of a `BatchCommit`. `OrphanNotice` to the Hub
//!   if that Room is gone, or if it is unknown whether the transaction was
//!   committed.
//! - Order: appends are committed in the order they came, and a Room receives
//!   its outcomes in that order. Appends that arrive during a transaction form
//!   the next one, without delay.
//! - Overflow: every append carries the ticket of its command, and the Hub
//!   issues only as many tickets as may wait here.
//! - Stop: once every ticket is returned, all is on disk and announced. A panic
//!   aborts the process, since no change may be announced that may not be on
//!   disk.

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
use crate::engine::rates::RateLimiters;
use crate::protocol::Problem;
use crate::store::append::{AppendEntry, AppendOutcome, BatchCommit};
use crate::store::{StatementMeter, Store, StoreError, with_payer};

use super::fault_hooks::FaultHooks;
use super::task::run_in_task;
use batch::AppendBatch;
pub use handle::JournalHandle;
use messages::AppendCommand;

/// The Journal's dependencies.
pub(super) struct JournalDeps {
    pub(super) store: Store,
    /// Charges the time of its statements to the users of the commands.
    pub(super) rates: Arc<RateLimiters>,
    /// The maximum number of appends in one transaction.
    pub(super) batch_max: usize,
    pub(super) counters: Arc<Counters>,
    pub(super) faults: FaultHooks,
}

/// The actor; see the module's documentation.
pub struct Journal {
    deps: JournalDeps,
    queue: VecDeque<AppendCommand>,
    is_writing: bool,
    _abort: AbortOnPanic,
}

impl Journal {
    fn new(deps: JournalDeps) -> Self {
        Self {
            deps,
            queue: VecDeque::new(),
            is_writing: false,
            _abort: AbortOnPanic,
        }
    }

    /// Commits the queue batch by batch until it is empty.
    fn flush_queue(&mut self, ctx: &mut Context<Self>) {
        let batch = AppendBatch::take_from(&mut self.queue, self.deps.batch_max);
        if batch.is_empty() {
            self.is_writing = false;
            return;
        }
        self.deps.faults.before_commit();
        let (store, rates) = (self.deps.store.clone(), Arc::clone(&self.deps.rates));
        let began = Instant::now();
        let write = async move {
            let meter = Arc::<StatementMeter>::default();
            let commits = with_payer(meter.clone(), commit(&store, &batch.appends)).await;
            rates.charge_shares(&costs::split_cost(&batch.appends, &commits, meter.total()));
            (batch, commits)
        };
        ctx.spawn(run_in_task(write).into_actor(self).map(
            move |(batch, commits), journal, ctx| {
                journal.count_batch(&batch, &commits, began);
                batch.send_outcomes(commits);
                journal.flush_queue(ctx);
            },
        ));
    }
}

impl Journal {
    fn count_batch(&self, batch: &AppendBatch, commits: &[BatchCommit], began: Instant) {
        let counters = &self.deps.counters;
        counters.count_batch(batch.appends.len(), began.elapsed());
        for outcome in commits.iter().flat_map(|commit| &commit.outcomes) {
            if outcome.is_posted() {
                counters.messages.increment();
            } else if outcome.is_stale() {
                counters.stale_entries.increment();
            }
        }
    }
}

impl Actor for Journal {
    type Context = Context<Self>;
}

impl Handler<AppendCommand> for Journal {
    type Result = ();

    fn handle(&mut self, write: AppendCommand, ctx: &mut Context<Self>) {
        self.queue.push_back(write);
        if !self.is_writing {
            self.is_writing = true;
            // Flushes later, in a future, so that every append that is already
            // in the mailbox gets into the first batch.
            ctx.spawn(
                async {}
                    .into_actor(self)
                    .map(|(), journal, ctx| journal.flush_queue(ctx)),
            );
        }
    }
}

/// How often a batch is retried after PostgreSQL rolled it back because of a
/// lock conflict.
const LOCK_RETRIES: usize = 3;

/// Commits a batch; returns the outcomes, transaction by transaction. An
/// internal fault is a bug and is logged as such. After it, each entry is
/// written alone, so that only the entry with the fault fails.
async fn commit(store: &Store, appends: &[AppendEntry]) -> Vec<BatchCommit> {
    let mut done = store.journal().append_batch(appends, Millis::now()).await;
    for _ in 0..LOCK_RETRIES {
        match &done {
            Err(error) if error.is_rolled_back() => {
                done = store.journal().append_batch(appends, Millis::now()).await;
            }
            _ => break,
        }
    }
    match done {
        Ok(commit) => vec![commit],
        Err(StoreError::Internal(cause)) if appends.len() > 1 => {
            tracing::error!(
                %cause,
                entries = appends.len(),
                "a batch failed; retrying its entries one by one"
            );
            commit_individually(appends, |alone| {
                store.journal().append_batch(alone, Millis::now())
            })
            .await
        }
        Err(error) => vec![failed_commit(error, appends.len())],
    }
}

/// Commits each append in its own transaction. Stops if the database becomes
/// unavailable: each further attempt would run into its timeout and block later
/// writes.
async fn commit_individually<'a, Writing>(
    appends: &'a [AppendEntry],
    write: impl Fn(&'a [AppendEntry]) -> Writing,
) -> Vec<BatchCommit>
where
    Writing: Future<Output = Result<BatchCommit, StoreError>>,
{
    let mut all = Vec::with_capacity(appends.len());
    let mut rest = appends.chunks(1);
    while let Some(alone) = rest.next() {
        let done = write(alone).await;
        let is_gone = matches!(
            done,
            Err(StoreError::Unavailable(_) | StoreError::Unsure(_))
        );
        all.push(done.unwrap_or_else(|error| failed_commit(error, 1)));
        if is_gone {
            all.extend(rest.map(|_| refused_commit(Problem::unavailable(), 1)));
            break;
        }
    }
    all
}

fn failed_commit(error: StoreError, count: usize) -> BatchCommit {
    BatchCommit {
        is_unsure: matches!(error, StoreError::Unsure(_)),
        ..refused_commit(Problem::from(error), count)
    }
}

fn refused_commit(problem: Problem, count: usize) -> BatchCommit {
    BatchCommit::new(vec![AppendOutcome::Refused(problem); count])
}

/// Aborts the process on a panic, since afterwards it is unknown which appends
/// are on disk.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                "the journal panicked: aborting, because it is unknown which \
                             messages are on disk"
            );
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests;
