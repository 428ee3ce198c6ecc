//! A live session, as the Directory delivers to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::Recipient;
use entity::{LoginId, UserId};

use super::backlog::{SessionBacklog, TotalBacklog};
use super::gate::DeliveryGate;
use super::{SessionEntry, SocketScope};
use crate::counters::Counters;
use crate::engine::ports::{CloseCommand, ProbeCommand, SessionDelivery};
use crate::engine::rates::SocketPermit;
use crate::protocol::CloseCode;

/// The handle; sessions share it with the Directory.
pub struct SessionHandle {
    pub id: u64,
    pub user: UserId,
    pub login: LoginId,
    pub scope: SocketScope,
    deliver: Recipient<SessionDelivery>,
    close: Recipient<CloseCommand>,
    probe: Recipient<ProbeCommand>,
    /// Counts this socket against the user's limit of sockets.
    permit: SocketPermit,
    /// Bounds the deliveries that wait. A mailbox's capacity can't bound them,
    /// since it counts per clone of the address.
    pub(super) backlog: SessionBacklog,
    total: Arc<TotalBacklog>,
    is_closed: AtomicBool,
    counters: Arc<Counters>,
    /// Closed while the session catches up.
    pub gate: DeliveryGate,
}

impl SessionHandle {
    pub(super) fn new(
        id: u64,
        entrant: SessionEntry,
        total: &Arc<TotalBacklog>,
        counters: &Arc<Counters>,
    ) -> Self {
        Self {
            id,
            user: entrant.user,
            login: entrant.login,
            scope: entrant.scope,
            deliver: entrant.deliver,
            close: entrant.close,
            probe: entrant.probe,
            permit: entrant.permit,
            backlog: SessionBacklog::new(total),
            total: Arc::clone(total),
            is_closed: AtomicBool::new(false),
            counters: Arc::clone(counters),
            gate: DeliveryGate::default(),
        }
    }

    /// Subtracts bytes that were handed to the socket.
    pub fn mark_written(&self, bytes: usize) {
        self.backlog.pop(bytes, &self.total);
    }

    /// Counts as progress that the session holds a delivery back until `hello`:
    /// the delay isn't the client's fault.
    pub fn mark_held(&self) {
        self.backlog.mark_progress(&self.total);
    }

    /// Queues frames, or evicts the session if too much waits for too long. An
    /// evicted session gets nothing more, so that its frames have no gap; the
    /// client gets the rest when it resumes. Returns true if the delivery
    /// reached the session's mailbox.
    pub(super) fn deliver(&self, delivery: SessionDelivery) -> bool {
        if self.is_closed.load(Ordering::Acquire) {
            return false;
        }
        let Some(delivery) = self.gate.admit(delivery, self.total.bounds.session) else {
            return false;
        };
        if self.backlog.push(delivery.bytes, &self.total) {
            self.deliver.do_send(delivery);
            true
        } else {
            self.close_session(CloseCode::TooSlow);
            false
        }
    }

    /// Evicts a session that made no progress for too long, even if no further
    /// delivery comes.
    pub(super) fn evict_if_stalled(&self) {
        if self.backlog.is_stalled(&self.total) {
            self.close_session(CloseCode::TooSlow);
        }
    }

    /// Asks the session whether its client still responds.
    pub(super) fn send_probe(&self, probe: ProbeCommand) {
        self.probe.do_send(probe);
    }

    /// Closes a session whose client is gone. Its permit is released at once:
    /// the socket may hang until the kernel gives up on it.
    pub fn close_vanished(&self) {
        self.close_session(CloseCode::Away);
        self.release_permit();
    }

    /// Releases the permit when the session ends; other tasks may hold the
    /// handle longer.
    pub(super) fn release_permit(&self) {
        self.permit.release();
    }

    pub(super) fn close_session(&self, code: CloseCode) {
        if !self.is_closed.swap(true, Ordering::AcqRel) {
            if code == CloseCode::TooSlow {
                self.counters.evictions.increment();
            }
            self.close.do_send(CloseCommand(code));
            self.backlog.clear(&self.total);
        }
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        self.backlog.clear(&self.total);
    }
}
