//! One time for all the steps of stopping.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// Until when all of it is done. Each step waits for half of what is left at
/// most, so that those after it have some, however long it waits in vain.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// All of it is done within this time.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// What `step` comes to; none where that takes longer than it may.
    pub async fn step<T>(self, step: impl Future<Output = T>) -> Option<T> {
        let left = self.0.saturating_duration_since(Instant::now());
        timeout(left / 2, step).await.ok()
    }
}
