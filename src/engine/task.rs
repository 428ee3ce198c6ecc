//! Work on the database that an actor waits for.

use std::future::Future;

use crate::store::keep_payer;

/// Does it in a task of the runtime's own, and answers what it came to. The
/// payer of this task's statements pays for those of the other, too.
///
/// An actor's futures are dropped outside the runtime when its arbiter stops,
/// and a PostgreSQL connection that is dropped there amid a transaction is
/// neither given back nor closed: its locks would stay. A task is dropped
/// inside.
pub(super) async fn in_task<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    match tokio::spawn(keep_payer(work)).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going, and whoever waits with it.
            Err(_) => std::future::pending().await,
        },
    }
}
