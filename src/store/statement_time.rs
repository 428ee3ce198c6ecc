//! Who pays for a statement: the time that it takes on its connection is
//! charged to the payer of the task that runs it. The wait for a connection
//! isn't.
//!
//! A task without a payer costs a look at a task-local, one with a payer two
//! looks at the clock.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the time of statements is charged to.
pub trait StatementPayer: Send + Sync {
    /// A statement took this long.
    fn charge(&self, took: Duration);
}

tokio::task_local! {
    static PAYER: Arc<dyn StatementPayer>;
}

/// Does `work`, whose statements this payer pays for.
pub async fn paid_by<T>(payer: Arc<dyn StatementPayer>, work: impl Future<Output = T>) -> T {
    PAYER.scope(payer, work).await
}

/// Work for another task, with the payer of this one.
pub fn keep_payer<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let payer = current_payer();
    async move {
        match payer {
            Some(payer) => paid_by(payer, work).await,
            None => work.await,
        }
    }
}

/// The payer of this task.
pub(super) fn current_payer() -> Option<Arc<dyn StatementPayer>> {
    PAYER.try_with(Arc::clone).ok()
}

/// A statement under way. It is charged when this is dropped, also if its task
/// is given up before the statement has ended.
pub(super) struct StatementTimer(Option<Instant>);

impl StatementTimer {
    /// Begins with the statement, on its connection.
    pub(super) fn start() -> Self {
        let has_payer = PAYER.try_with(|_| ()).is_ok();
        Self(has_payer.then(Instant::now))
    }
}

impl Drop for StatementTimer {
    fn drop(&mut self) {
        if let Some(began) = self.0 {
            // Without a payer by now, there is none to charge.
            let _ = PAYER.try_with(|payer| payer.charge(began.elapsed()));
        }
    }
}

/// Adds up what is divided afterwards among several payers.
#[derive(Debug, Default)]
pub struct StatementMeter(AtomicU64);

impl StatementMeter {
    /// What was charged so far.
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
        paid_by(meter.clone(), async { drop(StatementTimer::start()) }).await;
        assert!(meter.total() > Duration::ZERO);
    }

    #[tokio::test]
    async fn dropped_statement_is_charged() {
        let meter = Arc::<StatementMeter>::default();
        let statement = async {
            let _timer = StatementTimer::start();
            std::future::pending::<()>().await;
        };
        let work = paid_by(meter.clone(), statement);
        let soon = Duration::from_millis(1);
        assert!(tokio::time::timeout(soon, work).await.is_err());
        assert!(meter.total() > Duration::ZERO);
    }
}
