//! The unwritten bytes of each session and of all together, and the time of
//! each session's last progress.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Settings;

/// A unit in bytes. The total counts only whole units of each session, so that
/// small frames of many sessions don't contend for one counter.
const UNIT: usize = 4096;

/// Bounds of the bytes that may wait to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionBounds {
    /// Bytes above which a session has to make progress.
    pub session: usize,
    /// Bytes above which a session is closed at once.
    pub session_max: usize,
    /// Bytes of all sessions together.
    pub total: usize,
    /// The time that a session with more bytes than `session` may go without
    /// progress.
    pub stall: Duration,
}

impl SessionBounds {
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let session = settings.session_buffer;
        Self {
            session,
            session_max: settings.limits.session_buffer_max.max(session),
            total: settings.total_session_buffer,
            stall: settings.timings.stall_within,
        }
    }
}

/// The unwritten bytes of all sessions together, and the bounds of unwritten
/// bytes.
#[derive(Debug)]
pub(super) struct TotalBacklog {
    began: Instant,
    units: AtomicUsize,
    pub(super) bounds: SessionBounds,
}

impl TotalBacklog {
    pub(super) fn new(bounds: SessionBounds) -> Self {
        Self {
            began: Instant::now(),
            units: AtomicUsize::new(0),
            bounds,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.units.load(Ordering::Relaxed) * UNIT
    }

    pub(super) fn is_over(&self) -> bool {
        self.bytes() > self.bounds.total
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Updates the total after one session's bytes changed. Each pair of values
    /// is from one atomic step, so that units add up even if several threads
    /// change a session's bytes.
    fn update(&self, before: usize, after: usize) {
        let (before, after) = (before / UNIT, after / UNIT);
        if after > before {
            self.units.fetch_add(after - before, Ordering::Relaxed);
        } else if before > after {
            self.units.fetch_sub(before - after, Ordering::Relaxed);
        }
    }
}

/// Bytes delivered to one session and not yet handed to its socket.
#[derive(Debug)]
pub(super) struct SessionBacklog {
    bytes: AtomicUsize,
    /// The time when a delivery last left for the socket, or arrived at an
    /// empty backlog.
    progress_at: AtomicU64,
}

impl SessionBacklog {
    pub(super) fn new(total: &TotalBacklog) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            progress_at: AtomicU64::new(total.now()),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn progress_at(&self) -> u64 {
        self.progress_at.load(Ordering::Relaxed)
    }

    /// Returns whether the total counts any unit of this session.
    pub(super) fn counts(&self) -> bool {
        self.bytes() >= UNIT
    }

    /// Counts a delivery; returns false if the session has to be evicted
    /// instead. An empty backlog takes a delivery of any size: the Journal
    /// bounds deliveries.
    pub(super) fn push(&self, bytes: usize, total: &TotalBacklog) -> bool {
        let before = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        total.update(before, before + bytes);
        if before == 0 {
            self.mark_progress(total);
            return true;
        }
        before + bytes <= total.bounds.session_max && !self.is_stalled(total)
    }

    /// Subtracts a delivery that left for the socket.
    pub(super) fn pop(&self, bytes: usize, total: &TotalBacklog) {
        // An evicted session has no bytes left to subtract.
        let left = |before: usize| Some(before.saturating_sub(bytes));
        let before = self
            .bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, left);
        let before = before.unwrap_or_default();
        total.update(before, before.saturating_sub(bytes));
        self.mark_progress(total);
    }

    pub(super) fn mark_progress(&self, total: &TotalBacklog) {
        self.progress_at.store(total.now(), Ordering::Relaxed);
    }

    /// Drops the bytes of a session that is closed.
    pub(super) fn clear(&self, total: &TotalBacklog) {
        let before = self.bytes.swap(0, Ordering::AcqRel);
        total.update(before, 0);
    }

    /// Returns whether the session exceeds its bytes and made no progress for
    /// too long.
    pub(super) fn is_stalled(&self, total: &TotalBacklog) -> bool {
        let bounds = &total.bounds;
        self.bytes() > bounds.session && {
            let still = total.now().saturating_sub(self.progress_at());
            u128::from(still) > bounds.stall.as_millis()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn total(stall: Duration) -> TotalBacklog {
        TotalBacklog::new(SessionBounds {
            session: 2 * UNIT,
            session_max: 8 * UNIT,
            total: 16 * UNIT,
            stall,
        })
    }

    #[test]
    fn idle_session_takes_any_delivery() {
        let total = total(Duration::from_secs(15));
        let backlog = SessionBacklog::new(&total);
        assert!(backlog.push(100 * UNIT, &total));
        assert!(total.is_over());
        backlog.pop(100 * UNIT, &total);
        assert_eq!(total.bytes(), 0);
        assert!(backlog.push(100 * UNIT, &total));
    }

    #[test]
    fn burst_above_budget_is_taken() {
        let total = total(Duration::from_secs(15));
        let backlog = SessionBacklog::new(&total);
        for _ in 0..8 {
            assert!(backlog.push(UNIT, &total));
        }
        assert!(!backlog.push(1, &total), "above the cap");
    }

    #[test]
    fn stall_above_budget_is_no_progress() {
        let total = total(Duration::ZERO);
        let backlog = SessionBacklog::new(&total);
        assert!(backlog.push(2 * UNIT, &total));
        while total.now() == backlog.progress_at() {
            std::hint::spin_loop();
        }
        assert!(!backlog.is_stalled(&total), "not above its bytes");
        assert!(!backlog.push(1, &total));
        backlog.pop(UNIT, &total);
        assert!(!backlog.is_stalled(&total));
    }

    /// Guards the total against errors if several threads change it at once.
    #[test]
    fn total_is_zero_after_all_pops() {
        let total = Arc::new(total(Duration::from_secs(15)));
        let backlog = Arc::new(SessionBacklog::new(&total));
        let threads = (1..5).map(|at| {
            let (total, backlog) = (Arc::clone(&total), Arc::clone(&backlog));
            std::thread::spawn(move || {
                for _ in 0..10_000 {
                    backlog.push(at * 999, &total);
                    backlog.pop(at * 999, &total);
                }
            })
        });
        threads
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|it| it.join().unwrap());
        assert_eq!((backlog.bytes(), total.bytes()), (0, 0));
        backlog.push(10 * UNIT, &total);
        backlog.clear(&total);
        backlog.pop(UNIT, &total);
        assert_eq!((backlog.bytes(), total.bytes()), (0, 0));
    }
}
