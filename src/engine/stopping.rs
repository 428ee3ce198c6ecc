//! The order in which an engine stops, and the tasks that it waits for.

use std::future::Future;
use std::sync::atomic::Ordering;

use actix::Arbiter;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Deadline, Engine};
use crate::protocol::CloseCode;

impl Engine {
    /// Stops in order: no new sends, the Journal writes what it has and the
    /// Rooms tell it, every socket is closed with 1001, and nobody is left
    /// online.
    pub async fn stop(&self, deadline: Deadline) {
        let inner = &self.inner;
        inner.is_stopping.store(true, Ordering::Release);
        inner.background.stop();
        if deadline.step(inner.hub.settled()).await.is_none() {
            tracing::error!("what was being sent did not settle in time");
        }
        inner.directory.close_all(CloseCode::Away);
        if deadline.step(inner.directory.emptied()).await.is_none() {
            tracing::warn!("some sockets did not close in time");
        }
        if deadline.step(inner.presence.stop()).await.is_none() {
            tracing::warn!("who is offline was not written in time");
        }
        let arbiters = std::mem::take(&mut *inner.arbiters.lock());
        if deadline.step(end_threads(arbiters)).await.is_none() {
            tracing::warn!("the engine's threads did not end in time");
        }
    }

    /// Waits for the tasks that go on after a request: from then on nothing of
    /// the engine uses the store.
    pub async fn tasks_ended(&self) {
        self.inner.background.ended().await;
    }

    /// Does `work` in a task of its own, which goes on if the request that
    /// began it ends. A stop waits for it.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.inner.background.spawn(work)
    }
}

/// Stops the arbiters, and waits until their threads have ended: no actor and
/// no task of theirs is there after that.
async fn end_threads(arbiters: Vec<Arbiter>) {
    for arbiter in &arbiters {
        arbiter.stop();
    }
    let (ended, all) = oneshot::channel();
    // A thread that hangs must not keep the process: this one is waited for by
    // nobody else.
    std::thread::spawn(move || {
        for arbiter in arbiters {
            // One that panicked has ended, too.
            let _ = arbiter.join();
        }
        let _ = ended.send(());
    });
    let _ = all.await;
}
