//! Waiting, always for something, and never for ever. Nothing here measures:
//! a deadline is only how long a test that fails takes to say so.

use std::future::Future;
use std::time::Duration;

/// Long enough for a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Between two looks at something that doesn't tell. A look may be a browser's
/// work, so the next one waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What `future` comes to.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited too long for {what}"),
    }
}

/// What `look` finds, once it finds something: for what can be seen, but
/// doesn't tell.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = looked_for(look).await;
    found.unwrap_or_else(|| panic!("waited too long for {what}"))
}

/// The same, for who has more to say where nothing is found in time.
pub(crate) async fn looked_for<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(DEADLINE, looking).await.ok()
}
