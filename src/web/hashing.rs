//! Hashes passwords on a few threads with low priority, so that the event loops
//! come first. The queue in front of them is fair to its sources: [`queue`]
//! decides, and this module runs the threads.

mod queue;

use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;

use parking_lot::Mutex;
use rayon::{ThreadPool, ThreadPoolBuilder};
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::sync::oneshot;

use crate::config::RateLimits;
use crate::engine::fault_hooks::FaultHooks;
use crate::protocol::Problem;
use queue::{AttemptArrival, AttemptQueue};

pub(super) use queue::AttemptSource;

/// The maximum number of concurrent hashes; each takes 19 MiB.
const MAX_THREADS: usize = 4;
/// The threads' niceness, as in `nice(1)`. On a busy machine a thread gets a
/// third of the time of an event loop.
const NICENESS: i32 = 5;

/// The hashing threads and their queue.
pub struct HashingPool {
    shared: Arc<HashingShared>,
    faults: FaultHooks,
}

struct HashingShared {
    threads: ThreadPool,
    queue: Mutex<AttemptQueue<HashingJob>>,
}

/// A job: does the work, or answers `busy` if the attempt was dropped.
type HashingJob = Box<dyn FnOnce(JobVerdict) + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum JobVerdict {
    Starts,
    Dropped,
}

/// A running job's turn. When the turn is dropped, even by a panic, the next
/// job starts.
struct HashingTurn(Arc<HashingShared>);

/// A place in the queue, freed if the caller stops waiting.
struct QueuePlace<'a> {
    shared: &'a HashingShared,
    number: u64,
}

impl HashingPool {
    /// Starts threads for at most half of the cores.
    ///
    /// # Errors
    ///
    /// If the system can't create the threads.
    pub fn new(rates: &RateLimits, faults: FaultHooks) -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        let turns = (cores / 2).clamp(1, MAX_THREADS);
        let threads = ThreadPoolBuilder::new()
            .num_threads(turns)
            .thread_name(|_| "hashing".to_owned())
            .start_handler(|_| yield_to_event_loops())
            // The request that waits for the hash gets a 500.
            .panic_handler(|_| tracing::error!("hashing a password panicked"))
            .build()
            .map_err(io::Error::other)?;
        let per_customer = rates.waiting_passwords;
        let per_customer = per_customer.and_then(|most| usize::try_from(most.get()).ok());
        Ok(Self {
            shared: Arc::new(HashingShared {
                threads,
                queue: Mutex::new(AttemptQueue::new(turns, per_customer)),
            }),
            faults,
        })
    }

    /// Runs work that takes tens of milliseconds of CPU time.
    ///
    /// # Errors
    ///
    /// `busy` if too many attempts are waiting, in total or from this source.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        attempter: AttemptSource,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let faults = self.faults.clone();
        let (answer, answered) = oneshot::channel();
        let job: HashingJob = Box::new(move |verdict| {
            // The client may have disconnected before the job's turn.
            if answer.is_closed() {
                return;
            }
            let _ = answer.send(match verdict {
                JobVerdict::Dropped => Err(Problem::busy()),
                JobVerdict::Starts => {
                    faults.before_hashing();
                    Ok(work())
                }
            });
        });
        let arrival = self.shared.queue.lock().admit(attempter, job);
        let _place = match arrival {
            AttemptArrival::Refused(_) => return Err(Problem::busy()),
            AttemptArrival::Starts(job) => {
                self.shared.start(job);
                None
            }
            AttemptArrival::Waits { number, dropped } => {
                if let Some(dropped) = dropped {
                    dropped(JobVerdict::Dropped);
                }
                let shared = &*self.shared;
                Some(QueuePlace { shared, number })
            }
        };
        answered.await.map_err(|_| Problem::internal())?
    }
}

impl HashingShared {
    fn start(self: &Arc<Self>, job: HashingJob) {
        let turn = HashingTurn(Arc::clone(self));
        self.threads.spawn(move || {
            let _turn = turn;
            job(JobVerdict::Starts);
        });
    }
}

impl Drop for HashingTurn {
    fn drop(&mut self) {
        let next = self.0.queue.lock().finish();
        if let Some(next) = next {
            self.0.start(next);
        }
    }
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.shared.queue.lock().cancel(self.number);
    }
}

fn yield_to_event_loops() {
    if let Err(error) = setpriority_process(Some(gettid()), NICENESS) {
        tracing::warn!(%error, "password hashing runs at normal priority");
    }
}
