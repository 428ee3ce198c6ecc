//! The handle through which sessions and the engine reach Presence.

use actix::{Actor, Addr, ArbiterHandle};
use entity::UserId;
use tokio::sync::oneshot;

use super::messages::{
    ExchangeStatuses, SessionArrived, SessionLeft, SettlePresence, StopPresence,
};
use super::{Presence, PresenceDeps};

/// A handle to Presence: a cheap clone.
#[derive(Clone)]
pub struct PresenceHandle {
    presence: Addr<Presence>,
}

impl PresenceHandle {
    pub(in crate::engine) fn start(arbiter: &ArbiterHandle, deps: PresenceDeps) -> Self {
        Self {
            presence: Presence::start_in_arbiter(arbiter, move |_| Presence::new(deps)),
        }
    }

    /// Counts one more session of `user`, until the guard is dropped.
    #[must_use]
    pub fn track_session(&self, user: UserId) -> PresenceGuard {
        self.presence.do_send(SessionArrived(user));
        PresenceGuard {
            presence: self.presence.clone(),
            user,
        }
    }

    /// Sends each of two users the other's status, and waits until it is sent.
    pub async fn exchange_statuses(&self, one: UserId, two: UserId) {
        let (waiter, done) = oneshot::channel();
        self.presence.do_send(ExchangeStatuses((one, two), waiter));
        // An error means that Presence has stopped, and sends nothing.
        let _ = done.await;
    }

    /// Waits until the flush under way is done.
    pub async fn wait_until_settled(&self) {
        let (settled, done) = oneshot::channel();
        self.presence.do_send(SettlePresence(settled));
        // An error means that Presence has stopped, and sends nothing.
        let _ = done.await;
    }

    /// Takes every user offline, and waits until that is stored.
    pub async fn stop(&self) {
        let (stopped, done) = oneshot::channel();
        self.presence.do_send(StopPresence(stopped));
        // An error means that Presence has stopped, and has no user online.
        let _ = done.await;
    }
}

/// A session's presence; dropping it counts one session less.
pub struct PresenceGuard {
    presence: Addr<Presence>,
    user: UserId,
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.presence.do_send(SessionLeft(self.user));
    }
}
