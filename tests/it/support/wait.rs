//! Waiting for conditions. The deadlines are no bounds on performance: they
//! only limit how long a failing test takes.

use std::future::Future;
use std::time::Duration;

/// Long enough for a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The pause between the end of a poll and the start of the next one. A poll
/// may be a slow browser command.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Returns the output of `future`. Fails after [`DEADLINE`].
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited too long for {what}"),
    }
}

/// Polls `look` until it returns something. Fails after [`DEADLINE`].
pub(crate) async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = poll_until(look).await;
    found.unwrap_or_else(|| panic!("waited too long for {what}"))
}

/// Polls `look` until it returns something. Returns `None` after [`DEADLINE`],
/// for callers with a message of their own.
pub(crate) async fn poll_until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(DEADLINE, looking).await.ok()
}
