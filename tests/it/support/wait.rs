//! Waiting, always for something, and never for ever. Nothing here measures:
//! a deadline is only how long a test that fails takes to say so.

use std::future::Future;
use std::time::Duration;

/// Long enough for a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Between two looks at something that doesn't tell.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What `future` comes to.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(done) => done,
        Err(_) => panic!("waited too long for {what}"),
    }
}

/// What `look` finds, once it finds something: for what can be seen, but
/// doesn't tell.
pub(crate) async fn until<T, Looking>(what: &str, mut look: impl FnMut() -> Looking) -> T
where
    Looking: Future<Output = Option<T>>,
{
    let mut looks = tokio::time::interval(LOOK_AGAIN);
    within(what, async {
        loop {
            looks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    })
    .await
}
