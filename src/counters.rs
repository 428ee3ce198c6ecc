//! What a process counts of itself: totals since it started, in one place.
//!
//! Counting is an atomic addition, so that it can stand on the way of every
//! frame. Nothing is read here to decide anything; what stands at a moment,
//! such as how many sockets are open, is looked up where it is known (see
//! `engine::overview`), not counted up and down.

mod database;
mod histogram;
mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::protocol::{CloseCode, Code};

pub use database::DatabaseTimes;
pub use histogram::{Histogram, Measured};
pub use requests::{NO_ROUTE, Requests, RouteTotals, StatusClass};

/// A total that only grows. It has a cache line to itself: the engine's
/// threads count side by side.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Count(AtomicU64);

impl Count {
    /// Adds one.
    pub fn one(&self) {
        self.add(1);
    }

    /// Adds some.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What has been counted so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is on its way: it rises and falls.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Level(AtomicUsize);

impl Level {
    /// One more.
    pub fn rise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many fewer.
    pub fn fall(&self, by: usize) {
        self.0.fetch_sub(by, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn now(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Counters {
    /// Sockets that were opened.
    pub sessions_opened: Count,
    /// Sessions let go since their client took too little (1013).
    pub evictions: Count,
    closings: [Count; CloseCode::ALL.len()],
    /// Frames that clients sent.
    pub frames_in: Count,
    /// Frames that were written on sockets.
    pub frames_out: Count,
    /// Their bytes, without what the WebSocket protocol adds.
    pub bytes_out: Count,
    /// What was handed to sessions' mailboxes: all that one commit brings to
    /// a session is one of these.
    pub deliveries: Count,
    /// From a commit until a Room has handed it to every session.
    pub fan_out: Histogram,
    /// Rooms that died.
    pub rooms_died: Count,
    /// What Rooms asked of the Journal and it hasn't answered: its mailbox,
    /// its queue and the transaction under way.
    pub journal_waiting: Level,
    /// What the Journal wrote, or found written or refused, of any kind.
    pub entries: Count,
    /// New messages on disk; nothing that was said twice.
    pub messages: Count,
    /// Entries that were judged on outdated knowledge, and judged again.
    pub stale: Count,
    /// How many entries a batch of the Journal had.
    pub batch_size: Histogram,
    /// How long a batch took to be on disk.
    pub commit: Histogram,
    refusals: [Count; Code::ALL.len()],
    /// Requests over HTTP.
    pub requests: Requests,
    /// Time on the database's connections, by route.
    pub database: DatabaseTimes,
    /// Connections that are open, whatever becomes of them.
    connections: Level,
}

/// A connection that is open, for as long as this is kept.
#[derive(Debug)]
pub struct Connected(Arc<Counters>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.fall(1);
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            sessions_opened: Count::default(),
            evictions: Count::default(),
            closings: std::array::from_fn(|_| Count::default()),
            frames_in: Count::default(),
            frames_out: Count::default(),
            bytes_out: Count::default(),
            deliveries: Count::default(),
            fan_out: Histogram::of_times(),
            rooms_died: Count::default(),
            journal_waiting: Level::default(),
            entries: Count::default(),
            messages: Count::default(),
            stale: Count::default(),
            batch_size: Histogram::of_sizes(),
            commit: Histogram::of_times(),
            refusals: std::array::from_fn(|_| Count::default()),
            requests: Requests::default(),
            database: DatabaseTimes::default(),
            connections: Level::default(),
        }
    }
}

impl Counters {
    /// A connection was accepted.
    #[must_use]
    pub fn connected(self: &Arc<Self>) -> Connected {
        self.connections.rise();
        Connected(Arc::clone(self))
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.now()
    }

    /// A frame of so many bytes was written on a socket.
    pub fn wrote(&self, bytes: usize) {
        self.frames_out.one();
        self.bytes_out.add(bytes as u64);
    }

    /// A socket was closed by the server.
    pub fn closed(&self, code: CloseCode) {
        if let Some(count) = self.closings.get(code as usize) {
            count.one();
        }
    }

    /// Something was refused, over HTTP or on a socket.
    pub fn refused(&self, code: Code) {
        if let Some(count) = self.refusals.get(code as usize) {
            count.one();
        }
    }

    /// The Journal is done with a batch of so many entries.
    pub fn batch(&self, entries: usize, took: Duration) {
        self.journal_waiting.fall(entries);
        self.entries.add(entries as u64);
        self.batch_size.count(entries as u64);
        self.commit.time(took);
    }

    /// How many sockets the server closed, by why.
    #[must_use]
    pub fn closings(&self) -> Vec<(CloseCode, u64)> {
        let counts = self.closings.iter().map(Count::total);
        CloseCode::ALL.into_iter().zip(counts).collect()
    }

    /// How much was refused, by why.
    #[must_use]
    pub fn refusals(&self) -> Vec<(Code, u64)> {
        let counts = self.refusals.iter().map(Count::total);
        Code::ALL.iter().copied().zip(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_as_itself() {
        let counters = Counters::default();
        for (at, code) in Code::ALL.iter().enumerate() {
            (0..=at).for_each(|_| counters.refused(*code));
        }
        for (at, code) in CloseCode::ALL.iter().enumerate() {
            (0..=at).for_each(|_| counters.closed(*code));
        }
        for (at, (code, count)) in counters.refusals().into_iter().enumerate() {
            assert_eq!(count, at as u64 + 1, "{code:?}");
        }
        for (at, (code, count)) in counters.closings().into_iter().enumerate() {
            assert_eq!(count, at as u64 + 1, "{code:?}");
        }
        assert_eq!(counters.refusals().len(), Code::ALL.len());
        assert_eq!(counters.closings().len(), CloseCode::ALL.len());
    }
}
