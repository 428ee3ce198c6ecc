//! Counters of a process: totals since it started, in one place.
//!
//! Counting is an atomic addition, so it may be done for every frame. No
//! decision depends on a counter. Present values, such as the number of open
//! sockets, are read from their owner (see `engine::overview`) and not counted
//! up and down.

mod database;
mod histogram;
mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::protocol::{CloseCode, ErrorCode};

pub use database::DatabaseTimes;
pub use histogram::{Histogram, HistogramSnapshot};
pub use requests::{NO_ROUTE, RequestCounters, RouteTotals, StatusClass};

/// A total that only grows. It has a cache line of its own, because the threads
/// of the engine count in parallel.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct AtomicCounter(AtomicU64);

impl AtomicCounter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Returns the total so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number of open items, which rises and falls.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct AtomicGauge(AtomicUsize);

impl AtomicGauge {
    /// Adds one.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Subtracts `by`.
    pub fn subtract(&self, by: usize) {
        self.0.fetch_sub(by, Ordering::Relaxed);
    }

    /// Returns the current number.
    #[must_use]
    pub fn current(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// All counters of the process.
#[derive(Debug)]
pub struct Counters {
    /// Sockets opened.
    pub sessions_opened: AtomicCounter,
    /// Sessions closed because their client read too slowly (1013).
    pub evictions: AtomicCounter,
    closings: [AtomicCounter; CloseCode::ALL.len()],
    /// Frames from clients.
    pub frames_in: AtomicCounter,
    /// Frames written on sockets.
    pub frames_out: AtomicCounter,
    /// Bytes of the frames written, without the overhead of the WebSocket
    /// protocol.
    pub bytes_out: AtomicCounter,
    /// Deliveries to the mailboxes of sessions. Everything that one commit
    /// brings to a session is one delivery.
    pub deliveries: AtomicCounter,
    /// Time from a commit until the Room has delivered it to every session.
    pub fan_out: Histogram,
    /// Rooms that ended, although the Hub hadn't stopped them.
    pub rooms_died: AtomicCounter,
    /// Appends that the Journal hasn't answered: in its mailbox, its queue and
    /// the current transaction.
    pub journal_waiting: AtomicGauge,
    /// Entries of any kind that the Journal wrote, found already written, or
    /// refused.
    pub journal_entries: AtomicCounter,
    /// New messages on disk, without retries.
    pub messages: AtomicCounter,
    /// Entries whose verdict used outdated members and was made again.
    pub stale_entries: AtomicCounter,
    /// Entries per batch of the Journal.
    pub batch_size: Histogram,
    /// Time from the start of a batch until it was finished.
    pub commit_times: Histogram,
    refusals: [AtomicCounter; ErrorCode::ALL.len()],
    /// HTTP requests.
    pub requests: RequestCounters,
    /// Time on the database's connections, by route.
    pub database: DatabaseTimes,
    /// Open connections of any kind.
    connections: AtomicGauge,
}

/// A guard that counts an open connection until it is dropped.
#[derive(Debug)]
pub struct OpenConnection(Arc<Counters>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.subtract(1);
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            sessions_opened: AtomicCounter::default(),
            evictions: AtomicCounter::default(),
            closings: std::array::from_fn(|_| AtomicCounter::default()),
            frames_in: AtomicCounter::default(),
            frames_out: AtomicCounter::default(),
            bytes_out: AtomicCounter::default(),
            deliveries: AtomicCounter::default(),
            fan_out: Histogram::with_time_buckets(),
            rooms_died: AtomicCounter::default(),
            journal_waiting: AtomicGauge::default(),
            journal_entries: AtomicCounter::default(),
            messages: AtomicCounter::default(),
            stale_entries: AtomicCounter::default(),
            batch_size: Histogram::with_size_buckets(),
            commit_times: Histogram::with_time_buckets(),
            refusals: std::array::from_fn(|_| AtomicCounter::default()),
            requests: RequestCounters::default(),
            database: DatabaseTimes::default(),
            connections: AtomicGauge::default(),
        }
    }
}

impl Counters {
    /// Counts an accepted connection until the guard is dropped.
    #[must_use]
    pub fn count_connection(self: &Arc<Self>) -> OpenConnection {
        self.connections.increment();
        OpenConnection(Arc::clone(self))
    }

    /// Returns the number of open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.current()
    }

    /// Counts a frame of this length, written on a socket.
    pub fn count_frame_out(&self, bytes: usize) {
        self.frames_out.increment();
        self.bytes_out.add(bytes as u64);
    }

    /// Counts a socket that the server closed.
    pub fn count_closing(&self, code: CloseCode) {
        if let Some(count) = self.closings.get(code as usize) {
            count.increment();
        }
    }

    /// Counts a refusal, over HTTP or on a socket.
    pub fn count_refusal(&self, code: ErrorCode) {
        if let Some(count) = self.refusals.get(code as usize) {
            count.increment();
        }
    }

    /// Counts a finished batch of the Journal.
    pub fn count_batch(&self, entries: usize, took: Duration) {
        self.journal_waiting.subtract(entries);
        self.journal_entries.add(entries as u64);
        self.batch_size.record_size(entries as u64);
        self.commit_times.record_time(took);
    }

    /// Returns the number of sockets that the server closed, by close code.
    #[must_use]
    pub fn closings(&self) -> Vec<(CloseCode, u64)> {
        let counts = self.closings.iter().map(AtomicCounter::total);
        CloseCode::ALL.into_iter().zip(counts).collect()
    }

    /// Returns the number of refusals, by error code.
    #[must_use]
    pub fn refusals(&self) -> Vec<(ErrorCode, u64)> {
        let counts = self.refusals.iter().map(AtomicCounter::total);
        ErrorCode::ALL.iter().copied().zip(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_and_closings_count_by_code() {
        let counters = Counters::default();
        for (at, code) in ErrorCode::ALL.iter().enumerate() {
            (0..=at).for_each(|_| counters.count_refusal(*code));
        }
        for (at, code) in CloseCode::ALL.iter().enumerate() {
            (0..=at).for_each(|_| counters.count_closing(*code));
        }
        for (at, (code, count)) in counters.refusals().into_iter().enumerate() {
            assert_eq!(count, at as u64 + 1, "{code:?}");
        }
        for (at, (code, count)) in counters.closings().into_iter().enumerate() {
            assert_eq!(count, at as u64 + 1, "{code:?}");
        }
        assert_eq!(counters.refusals().len(), ErrorCode::ALL.len());
        assert_eq!(counters.closings().len(), CloseCode::ALL.len());
    }
}
