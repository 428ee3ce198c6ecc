//! Where passwords are hashed: on few threads at a time, so that the event
//! loops keep their cores and nothing else that blocks waits behind it; and
//! for few who wait, so that a crowd at the door is told so instead of making
//! the others wait without end.

use std::sync::Arc;
use std::thread::available_parallelism;

use actix_web::web;
use tokio::sync::Semaphore;

use crate::engine::testing::Faults;
use crate::protocol::Problem;

/// The most at a time, each with 19 MiB.
const AT_ONCE: usize = 4;
/// How many may wait for their turn: about a second's work.
const WAITING: usize = 32;
/// Threads of each event loop for what blocks: more than hash at a time.
pub const BLOCKING_THREADS: usize = AT_ONCE + 4;

/// The pool.
pub struct Hashing {
    turns: Arc<Semaphore>,
    places: Semaphore,
    faults: Faults,
}

impl Hashing {
    /// One that takes half of the cores at most.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let turns = (cores / 2).clamp(1, AT_ONCE);
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            places: Semaphore::new(turns + WAITING),
            faults,
        }
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
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Problem::busy())?;
        let faults = self.faults.clone();
        let done = web::block(move || {
            // Whoever asked may have gone: the core is still taken.
            let _turn = turn;
            faults.before_hashing();
            work()
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "the pool for passwords is gone");
            Problem::internal()
        })
    }
}
