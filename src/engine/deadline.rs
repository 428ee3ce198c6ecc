//! One deadline for all the steps of shutdown.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// The time by which shutdown is done. Each step may use half of the time that
/// is left, so that a step that hangs leaves time for those after it.
#[derive(Clone, Copy, Debug)]
pub struct ShutdownDeadline(Instant);

impl ShutdownDeadline {
    /// Returns the deadline `time` from now.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Runs `step`; returns its result, or none if it exceeds its share of the
    /// time.
    pub async fn run_step<T>(self, step: impl Future<Output = T>) -> Option<T> {
        let left = self.0.saturating_duration_since(Instant::now());
        timeout(left / 2, step).await.ok()
    }
}
