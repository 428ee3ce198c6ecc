//! Where passwords are hashed: on few threads of their own, which the system
//! lets run after the event loops, so that these keep their cores and nothing
//! else that blocks waits behind it; and for few who wait, so that a crowd at
//! the door is told so instead of making the others wait without end.

use std::io;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::sync::{Semaphore, oneshot};

use crate::engine::testing::Faults;
use crate::protocol::Problem;

/// The most at a time, each with 19 MiB.
const AT_ONCE: usize = 4;
/// How many may wait for their turn: about a second's work.
const WAITING: usize = 32;
/// Of the threads, as `nice(1)` counts: where everything is busy, one gets a
/// tenth of what an event loop does.
const NICENESS: i32 = 10;

/// The pool.
pub struct Hashing {
    threads: ThreadPool,
    places: Semaphore,
    faults: Faults,
}

impl Hashing {
    /// One that takes half of the cores at most.
    ///
    /// # Errors
    /// Where the system gives no more threads.
    pub fn new(faults: Faults) -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        let turns = (cores / 2).clamp(1, AT_ONCE);
        let threads = ThreadPoolBuilder::new()
            .num_threads(turns)
            .thread_name(|_| "hashing".to_owned())
            .start_handler(|_| let_others_go_first())
            // Whoever waits for the answer hears of it.
            .panic_handler(|_| tracing::error!("hashing a password panicked"))
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            threads,
            places: Semaphore::new(turns + WAITING),
            faults,
        })
    }

    /// Does something that takes tens of milliseconds of a core.
    ///
    /// # Errors
    /// `busy` where too many wait already.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = self.places.try_acquire().map_err(|_| Problem::busy())?;
        let faults = self.faults.clone();
        let (answer, answered) = oneshot::channel();
        self.threads.spawn(move || {
            // Whoever asked may have gone before it was their turn.
            if !answer.is_closed() {
                faults.before_hashing();
                let _ = answer.send(work());
            }
        });
        answered.await.map_err(|_| Problem::internal())
    }
}

fn let_others_go_first() {
    if let Err(error) = setpriority_process(Some(gettid()), NICENESS) {
        tracing::warn!(%error, "passwords are hashed as if nothing else were to do");
    }
}
