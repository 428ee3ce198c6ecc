//! Database work for which an actor waits.

use std::future::Future;

use crate::store::inherit_payer;

/// Runs `work` in its own task, and returns its result. The payer of the
/// current task pays for its statements, too.
///
/// An actor's futures are dropped outside the runtime when its arbiter stops. A
/// PostgreSQL connection dropped there during a transaction is neither returned
/// nor closed: its locks would remain. A task is dropped inside the runtime.
pub(super) async fn run_in_task<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match tokio::spawn(inherit_payer(work)).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and the caller with it.
            Err(_) => std::future::pending().await,
        },
    }
}
