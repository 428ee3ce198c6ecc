//! Figures of the engine at one moment and totals since its start. For
//! operators; no decision depends on them.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::directory::SessionStats;
use super::hub::RoomLoad;
use super::storage::DiskState;
use crate::counters::{Counters, HistogramSnapshot, RouteTotals};
use crate::protocol::{CloseCode, ErrorCode};

/// All figures. Totals are since the start of the process; for a rate, divide
/// the difference of two overviews by that of their `uptime`.
#[derive(Clone, Debug)]
pub struct EngineOverview {
    /// How long the engine has been running.
    pub uptime: Duration,
    pub sockets: SocketOverview,
    pub rooms: RoomOverview,
    pub journal: JournalOverview,
    /// Requests over HTTP, by route.
    pub requests: Vec<RouteTotals>,
    /// Milliseconds on the database's connections, by route.
    pub database: Vec<(String, u64)>,
    /// Refusals over HTTP and on sockets, for every code.
    pub refusals: Vec<(ErrorCode, u64)>,
    /// The disk of the database, or of the data folder beside PostgreSQL.
    pub disk: DiskState,
}

/// Sessions and their traffic.
#[derive(Clone, Debug)]
pub struct SocketOverview {
    /// The live sessions.
    pub sessions: SessionStats,
    /// Unsent bytes above which a session has to make progress.
    pub budget: usize,
    pub opened: u64,
    /// Sessions evicted because they read too slowly (1013).
    pub evicted: u64,
    /// Sockets that the server closed, for every close code.
    pub closed: Vec<(CloseCode, u64)>,
    pub frames_in: u64,
    pub frames_out: u64,
    pub bytes_out: u64,
}

/// Rooms and their deliveries.
#[derive(Clone, Debug)]
pub struct RoomOverview {
    /// The current load.
    pub load: RoomLoad,
    pub died: u64,
    /// A session gets the events of one commit as one delivery.
    pub deliveries: u64,
    /// Time from a commit until every session has its delivery. Microseconds.
    pub fan_out: HistogramSnapshot,
}

/// The Journal.
#[derive(Clone, Debug)]
pub struct JournalOverview {
    /// Appends without an outcome yet.
    pub waiting: usize,
    /// The maximum number of appends in one batch.
    pub batch_max: usize,
    /// Appends with an outcome of any kind.
    pub entries: u64,
    /// New messages on disk.
    pub messages: u64,
    /// Appends that weren't written, because their check was based on outdated
    /// permissions. The Room checks them again.
    pub stale: u64,
    /// Number of appends in a batch.
    pub batch_size: HistogramSnapshot,
    /// Time until a batch was on disk. Microseconds.
    pub commit: HistogramSnapshot,
}

impl Engine {
    /// Returns the counters of this process.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.inner.counters
    }

    /// Collects all figures. Visits each session and each Room without waiting
    /// for any; cheap enough for once a second, not for every request.
    #[must_use]
    pub fn overview(&self) -> EngineOverview {
        let inner = &self.inner;
        let counters = &inner.counters;
        EngineOverview {
            uptime: inner.started.elapsed(),
            sockets: SocketOverview {
                sessions: inner.directory.stats(),
                budget: inner.settings.session_buffer,
                opened: counters.sessions_opened.total(),
                evicted: counters.evictions.total(),
                closed: counters.closings(),
                frames_in: counters.frames_in.total(),
                frames_out: counters.frames_out.total(),
                bytes_out: counters.bytes_out.total(),
            },
            rooms: RoomOverview {
                load: inner.hub.load(),
                died: counters.rooms_died.total(),
                deliveries: counters.deliveries.total(),
                fan_out: counters.fan_out.snapshot(),
            },
            journal: JournalOverview {
                waiting: counters.journal_waiting.current(),
                batch_max: inner.settings.limits.journal_batch,
                entries: counters.journal_entries.total(),
                messages: counters.messages.total(),
                stale: counters.stale_entries.total(),
                batch_size: counters.batch_size.snapshot(),
                commit: counters.commit_times.snapshot(),
            },
            requests: counters.requests.totals(),
            database: counters.database.totals(),
            refusals: counters.refusals(),
            disk: self.disk_state(),
        }
    }
}
