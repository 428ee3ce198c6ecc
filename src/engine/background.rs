//! Tasks beside requests and actors. Shutdown ends them, and waits for the last
//! one before the store closes.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// The tasks of one engine. Each task holds a receiver of this channel while it
/// runs. The channel's value is whether the engine is stopping.
pub(super) struct BackgroundTasks(watch::Sender<bool>);

/// Counts as a task until it is dropped.
pub(super) struct TaskToken {
    _running: watch::Receiver<bool>,
}

impl Default for BackgroundTasks {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl BackgroundTasks {
    /// Runs `work` now and at every tick, until the engine stops or `work`
    /// returns false. A run that has begun is finished first.
    pub(super) fn repeat<F>(&self, every: Duration, mut work: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = bool> + Send,
    {
        let mut stopping = self.0.subscribe();
        tokio::spawn(async move {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let is_due = tokio::select! {
                    biased;
                    _ = stopping.wait_for(|is_stopping| *is_stopping) => false,
                    _ = ticks.tick() => true,
                };
                if !is_due || !work().await {
                    return;
                }
            }
        });
    }

    /// Runs `work` in its own task.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let token = self.new_token();
        tokio::spawn(async move {
            let done = work.await;
            drop(token);
            done
        })
    }

    /// Returns a token for a task that runs elsewhere.
    pub(super) fn new_token(&self) -> TaskToken {
        TaskToken {
            _running: self.0.subscribe(),
        }
    }

    /// Ends the repeating tasks.
    pub(super) fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Waits until no task runs.
    pub(super) async fn wait_until_ended(&self) {
        self.0.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn stop_waits_for_work_that_began() {
        let tasks = BackgroundTasks::default();
        let (began, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let finished = Arc::new(AtomicUsize::new(0));
        let all = (began.clone(), go_on.clone(), finished.clone());
        tasks.repeat(Duration::from_millis(1), move || {
            let (began, go_on, finished) = all.clone();
            async move {
                began.add_permits(1);
                go_on.acquire().await.unwrap().forget();
                finished.fetch_add(1, Ordering::SeqCst);
                true
            }
        });
        began.acquire().await.unwrap().forget();
        tasks.stop();
        assert_eq!(tasks.wait_until_ended().now_or_never(), None, "it runs");
        go_on.add_permits(10);
        tasks.wait_until_ended().await;
        assert_eq!(finished.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn stop_waits_for_single_tasks() {
        let tasks = BackgroundTasks::default();
        let token = tasks.new_token();
        let answer = tasks.spawn(async { 7 });
        tasks.stop();
        assert_eq!(answer.await.unwrap(), 7);
        assert_eq!(tasks.wait_until_ended().now_or_never(), None, "a task runs");
        drop(token);
        tasks.wait_until_ended().await;
    }
}
