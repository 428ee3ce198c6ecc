//! Accounting of database time. A statement's time on its connection is charged
//! to the payer of the task that runs it. The wait for a connection isn't
//! charged.
//!
//! For each statement, the accounting reads a task-local, and with a payer also
//! the clock, twice.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A payer of statements' time.
pub trait StatementPayer: Send + Sync {
    /// Charges the time of a statement.
    fn charge(&self, took: Duration);
}

tokio::task_local! {
    static PAYER: Arc<dyn StatementPayer>;
}

/// Runs `work` with this payer.
pub async fn with_payer<T>(payer: Arc<dyn StatementPayer>, work: impl Future<Output = T>) -> T {
    PAYER.scope(payer, work).await
}

/// Wraps work for another task, with the payer of this one.
pub fn inherit_payer<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let payer = current_payer();
    async move {
        match payer {
            Some(payer) => with_payer(payer, work).await,
            None => work.await,
        }
    }
}

/// Returns the payer of this task.
pub(in crate::store) fn current_payer() -> Option<Arc<dyn StatementPayer>> {
    PAYER.try_with(Arc::clone).ok()
}

/// A running statement. Dropping it charges the time, also if the task is
/// dropped before the statement has ended.
pub(in crate::store) struct StatementTimer(Option<Instant>);

impl StatementTimer {
    /// Starts the timer, when the statement has its connection.
    pub(in crate::store) fn start() -> Self {
        let has_payer = PAYER.try_with(|_| ()).is_ok();
        Self(has_payer.then(Instant::now))
    }
}

impl Drop for StatementTimer {
    fn drop(&mut self) {
        if let Some(began) = self.0 {
            // There is nothing to charge if the payer is gone.
            let _ = PAYER.try_with(|payer| payer.charge(began.elapsed()));
        }
    }
}

/// A payer that adds up time, to be divided among several payers.
#[derive(Debug, Default)]
pub struct StatementMeter(AtomicU64);

impl StatementMeter {
    /// Returns the time charged so far.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl StatementPayer for StatementMeter {
    fn charge(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn statement_is_charged_to_its_task() {
        let meter = Arc::<StatementMeter>::default();
        drop(StatementTimer::start());
        assert_eq!(meter.total(), Duration::ZERO);
        with_payer(meter.clone(), async { drop(StatementTimer::start()) }).await;
        assert!(meter.total() > Duration::ZERO);
    }

    #[tokio::test]
    async fn dropped_statement_is_charged() {
        let meter = Arc::<StatementMeter>::default();
        let statement = async {
            let _timer = StatementTimer::start();
            std::future::pending::<()>().await;
        };
        let work = with_payer(meter.clone(), statement);
        let soon = Duration::from_millis(1);
        assert!(tokio::time::timeout(soon, work).await.is_err());
        assert!(meter.total() > Duration::ZERO);
    }
}
