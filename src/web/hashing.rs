//! Where passwords are hashed: on few threads of their own, which the system
//! runs after the event loops, and behind a queue that is fair to its sources
//! (see [`queue`]). The queue decides; here are the threads around it.

mod queue;

use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;

use parking_lot::Mutex;
use rayon::{ThreadPool, ThreadPoolBuilder};
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::sync::oneshot;

use crate::config::Rates;
use crate::engine::testing::Faults;
use crate::protocol::Problem;
use queue::{Arrival, AttemptQueue};

pub(super) use queue::Attempter;

/// The most at a time, each with 19 MiB.
const AT_ONCE: usize = 4;
/// Of the threads, as `nice(1)` counts: if everything is busy, a thread gets a
/// third of what an event loop does.
const NICENESS: i32 = 5;

/// The threads and the queue in front of them.
pub struct Hashing {
    shared: Arc<Shared>,
    faults: Faults,
}

struct Shared {
    threads: ThreadPool,
    queue: Mutex<AttemptQueue<Job>>,
}

/// Does the work, or answers that it was dropped.
type Job = Box<dyn FnOnce(Verdict) + Send>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Starts,
    IsDropped,
}

/// The turn of a running job: when it ends, even by a panic, the next starts.
struct HashingTurn(Arc<Shared>);

/// A place in the queue, which is free again if nobody waits for the answer.
struct QueuePlace<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Hashing {
    /// Threads on half of the cores at most.
    ///
    /// # Errors
    /// If the system gives no more threads.
    pub fn new(rates: &Rates, faults: Faults) -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        let turns = (cores / 2).clamp(1, AT_ONCE);
        let threads = ThreadPoolBuilder::new()
            .num_threads(turns)
            .thread_name(|_| "hashing".to_owned())
            .start_handler(|_| yield_to_event_loops())
            // The request that waits for it is answered 500.
            .panic_handler(|_| tracing::error!("hashing a password panicked"))
            .build()
            .map_err(io::Error::other)?;
        let per_customer = rates.waiting_passwords;
        let per_customer = per_customer.and_then(|most| usize::try_from(most.get()).ok());
        Ok(Self {
            shared: Arc::new(Shared {
                threads,
                queue: Mutex::new(AttemptQueue::new(turns, per_customer)),
            }),
            faults,
        })
    }

    /// Does something that takes tens of milliseconds of a core.
    ///
    /// # Errors
    /// `busy` if too many wait, in all or of this source.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        attempter: Attempter,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let faults = self.faults.clone();
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |verdict| {
            // The client may have left before its turn.
            if answer.is_closed() {
                return;
            }
            let _ = answer.send(match verdict {
                Verdict::IsDropped => Err(Problem::busy()),
                Verdict::Starts => {
                    faults.before_hashing();
                    Ok(work())
                }
            });
        });
        let arrival = self.shared.queue.lock().arrive(attempter, job);
        let _place = match arrival {
            Arrival::Refused(_) => return Err(Problem::busy()),
            Arrival::Starts(job) => {
                self.shared.start(job);
                None
            }
            Arrival::Waits { number, dropped } => {
                if let Some(dropped) = dropped {
                    dropped(Verdict::IsDropped);
                }
                let shared = &*self.shared;
                Some(QueuePlace { shared, number })
            }
        };
        answered.await.map_err(|_| Problem::internal())?
    }
}

impl Shared {
    fn start(self: &Arc<Self>, job: Job) {
        let turn = HashingTurn(Arc::clone(self));
        self.threads.spawn(move || {
            let _turn = turn;
            job(Verdict::Starts);
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
        self.shared.queue.lock().leave(self.number);
    }
}

fn yield_to_event_loops() {
    if let Err(error) = setpriority_process(Some(gettid()), NICENESS) {
        tracing::warn!(%error, "password hashing runs at normal priority");
    }
}
