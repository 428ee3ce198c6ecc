//! The engine's shutdown, and the tasks that it waits for.

use std::future::Future;
use std::sync::atomic::Ordering;

use actix::Arbiter;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Engine, ShutdownDeadline};
use crate::protocol::CloseCode;

impl Engine {
    /// Stops the engine step by step. It refuses new commands, waits until the
    /// Journal and the Rooms have answered all others, and closes every socket
    /// with 1001. Then it stores that all users are offline, and ends its
    /// threads.
    pub async fn stop(&self, deadline: ShutdownDeadline) {
        let inner = &self.inner;
        inner.is_stopping.store(true, Ordering::Release);
        inner.background.stop();
        if deadline.run_step(inner.hub.drain()).await.is_none() {
            tracing::error!("pending commands were not answered in time");
        }
        inner.directory.close_all(CloseCode::Away);
        if deadline
            .run_step(inner.directory.wait_until_empty())
            .await
            .is_none()
        {
            tracing::warn!("some sockets did not close in time");
        }
        if deadline.run_step(inner.presence.stop()).await.is_none() {
            tracing::warn!("offline users were not stored in time");
        }
        let arbiters = std::mem::take(&mut *inner.arbiters.lock());
        if deadline.run_step(end_threads(arbiters)).await.is_none() {
            tracing::warn!("the engine's threads did not end in time");
        }
    }

    /// Waits for tasks that outlive their request. After that the engine no
    /// longer uses the store.
    pub async fn wait_for_tasks(&self) {
        self.inner.background.wait_until_ended().await;
    }

    /// Runs `work` in its own task, which continues if its request ends.
    /// Shutdown waits for it.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.inner.background.spawn(work)
    }
}

/// Stops the arbiters, and waits until their threads have ended. After that
/// none of their actors and tasks exists.
async fn end_threads(arbiters: Vec<Arbiter>) {
    for arbiter in &arbiters {
        arbiter.stop();
    }
    let (ended, all) = oneshot::channel();
    // A thread that hangs must not block the process, so nothing waits for this
    // thread itself.
    std::thread::spawn(move || {
        for arbiter in arbiters {
            // A thread that panicked has ended, too.
            let _ = arbiter.join();
        }
        let _ = ended.send(());
    });
    let _ = all.await;
}
