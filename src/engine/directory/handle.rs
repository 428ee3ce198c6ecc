//! A live session, as the Directory delivers to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::Recipient;
use entity::{LoginId, UserId};

use super::backlog::{Backlog, TotalBacklog};
use super::gate::Gate;
use super::{Door, Entrant};
use crate::counters::Counters;
use crate::engine::ports::{Close, Deliver, Probe};
use crate::engine::rates::Seat;
use crate::protocol::CloseCode;

/// The handle; sessions share it with the Directory.
pub struct Handle {
    pub id: u64,
    pub user: UserId,
    pub login: LoginId,
    pub door: Door,
    deliver: Recipient<Deliver>,
    close: Recipient<Close>,
    probe: Recipient<Probe>,
    /// One of those that its user may have.
    seat: Seat,
    /// A mailbox's capacity counts per clone of its address, so it can't be
    /// the bound; this is.
    pub(super) backlog: Backlog,
    total: Arc<TotalBacklog>,
    is_let_go: AtomicBool,
    counters: Arc<Counters>,
    /// Shut while the session catches up.
    pub gate: Gate,
}

impl Handle {
    pub(super) fn new(
        id: u64,
        entrant: Entrant,
        total: &Arc<TotalBacklog>,
        counters: &Arc<Counters>,
    ) -> Self {
        Self {
            id,
            user: entrant.user,
            login: entrant.login,
            door: entrant.door,
            deliver: entrant.deliver,
            close: entrant.close,
            probe: entrant.probe,
            seat: entrant.seat,
            backlog: Backlog::new(total),
            total: Arc::clone(total),
            is_let_go: AtomicBool::new(false),
            counters: Arc::clone(counters),
            gate: Gate::default(),
        }
    }

    /// Gives the budget back what was handed to the socket.
    pub fn written(&self, bytes: usize) {
        self.backlog.pop(bytes, &self.total);
    }

    /// The session took a delivery that it keeps until its `hello`: that it
    /// isn't written yet is no fault of the client.
    pub fn kept(&self) {
        self.backlog.progressed(&self.total);
    }

    /// Queues frames, or lets the session go if too much waits for too long:
    /// from then on it gets nothing, so that what it got has no gap, and
    /// resuming brings the rest. True if it got into the session's mailbox.
    pub(super) fn deliver(&self, delivery: Deliver) -> bool {
        if self.is_let_go.load(Ordering::Acquire) {
            return false;
        }
        let Some(delivery) = self.gate.admit(delivery, self.total.bounds.session) else {
            return false;
        };
        if self.backlog.push(delivery.bytes, &self.total) {
            self.deliver.do_send(delivery);
            true
        } else {
            self.let_go(CloseCode::TooSlow);
            false
        }
    }

    /// Lets a session go that made no progress for too long. The next delivery
    /// would do that, too, if one came.
    pub(super) fn check_progress(&self) {
        if self.backlog.is_stalled(&self.total) {
            self.let_go(CloseCode::TooSlow);
        }
    }

    /// Asks whether the client is there.
    pub(super) fn ask(&self, probe: Probe) {
        self.probe.do_send(probe);
    }

    /// Closes a session whose client is gone. The seat is free at once: the
    /// socket may hang until the kernel gives up on it.
    pub fn vacate(&self) {
        self.let_go(CloseCode::Away);
        self.free_seat();
    }

    /// The session has ended; others may hold the handle for a moment more.
    pub(super) fn free_seat(&self) {
        self.seat.free();
    }

    pub(super) fn let_go(&self, code: CloseCode) {
        if !self.is_let_go.swap(true, Ordering::AcqRel) {
            if code == CloseCode::TooSlow {
                self.counters.evictions.one();
            }
            self.close.do_send(Close(code));
            self.backlog.clear(&self.total);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.backlog.clear(&self.total);
    }
}
