//! The way to Presence.

use actix::{Actor, Addr, ArbiterHandle};
use entity::UserId;
use tokio::sync::oneshot;

use super::messages::{Arrived, Introduce, Left, Settle, Stop};
use super::{Parts, Presence};

/// A handle to Presence: a cheap clone.
#[derive(Clone)]
pub struct PresenceHandle {
    presence: Addr<Presence>,
}

impl PresenceHandle {
    pub(in crate::engine) fn start(arbiter: &ArbiterHandle, parts: Parts) -> Self {
        Self {
            presence: Presence::start_in_arbiter(arbiter, move |_| Presence::new(parts)),
        }
    }

    /// One more session of `user`, until the guard is dropped.
    #[must_use]
    pub fn here(&self, user: UserId) -> Here {
        self.presence.do_send(Arrived(user));
        Here {
            presence: self.presence.clone(),
            user,
        }
    }

    /// Tells each of two people how the other stands.
    pub async fn introduce(&self, one: UserId, two: UserId) {
        let (told, done) = oneshot::channel();
        self.presence.do_send(Introduce((one, two), told));
        // An error would mean that it is no more, and tells nothing.
        let _ = done.await;
    }

    /// Waits until what is being told is told.
    pub async fn settled(&self) {
        let (settled, done) = oneshot::channel();
        self.presence.do_send(Settle(settled));
        // An error would mean that it is no more, and tells nothing.
        let _ = done.await;
    }

    /// Takes everybody offline, and waits until that is written.
    pub async fn stop(&self) {
        let (stopped, done) = oneshot::channel();
        self.presence.do_send(Stop(stopped));
        // An error would mean that it is no more, and nobody is online by it.
        let _ = done.await;
    }
}

/// A session's presence; dropping it leaves.
pub struct Here {
    presence: Addr<Presence>,
    user: UserId,
}

impl Drop for Here {
    fn drop(&mut self) {
        self.presence.do_send(Left(self.user));
    }
}
