//! How the engine does at a moment: what it counted since it started, and
//! what stands now. Read by who looks after it; nothing is decided by it.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::directory::Census;
use super::hub::Load;
use super::storage::DiskState;
use crate::counters::{Counters, Measured, RouteTotals};
use crate::protocol::{CloseCode, Code};

/// All of it. Totals are since the process started; who wants a rate takes
/// the difference of two looks, by their `uptime`.
#[derive(Clone, Debug)]
pub struct Overview {
    /// How long the engine has been running.
    pub uptime: Duration,
    pub sockets: Sockets,
    pub rooms: Rooms,
    pub journal: Journal,
    /// Requests over HTTP, by route.
    pub requests: Vec<RouteTotals>,
    /// Milliseconds on the database's connections, by route.
    pub database: Vec<(String, u64)>,
    /// What was refused, over HTTP and on sockets: every code there is.
    pub refusals: Vec<(Code, u64)>,
    /// The disk of the database, or of the data folder beside PostgreSQL.
    pub disk: DiskState,
}

/// Sessions, and what goes over them.
#[derive(Clone, Debug)]
pub struct Sockets {
    /// Those that are here now.
    pub here: Census,
    /// Unsent bytes at which a session is let go.
    pub budget: usize,
    pub opened: u64,
    /// Let go since they took too little (1013).
    pub evicted: u64,
    /// Closed by the server: every code there is.
    pub closed: Vec<(CloseCode, u64)>,
    pub frames_in: u64,
    pub frames_out: u64,
    pub bytes_out: u64,
}

/// Rooms, and how they tell what is on disk.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// What they have to do now.
    pub load: Load,
    pub died: u64,
    /// All that one commit brings to a session is one delivery.
    pub deliveries: u64,
    /// From a commit until it is handed to every session. Microseconds.
    pub fan_out: Measured,
}

/// The Journal.
#[derive(Clone, Debug)]
pub struct Journal {
    /// What it has been asked and hasn't answered.
    pub waiting: usize,
    /// The most entries of one batch.
    pub batch_max: usize,
    /// What it answered, of any kind.
    pub entries: u64,
    /// New messages on disk.
    pub messages: u64,
    /// Judged on outdated knowledge, and judged again.
    pub stale: u64,
    /// Entries of a batch.
    pub batch_size: Measured,
    /// How long a batch took to be on disk. Microseconds.
    pub commit: Measured,
}

impl Engine {
    /// Where this process counts.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.inner.counters
    }

    /// How it does: a look at each session and each Room, without waiting for
    /// any of them. For once a second, not for every request.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let inner = &self.inner;
        let counters = &inner.counters;
        Overview {
            uptime: inner.started.elapsed(),
            sockets: Sockets {
                here: inner.directory.census(),
                budget: inner.settings.session_buffer,
                opened: counters.sessions_opened.total(),
                evicted: counters.evictions.total(),
                closed: counters.closings(),
                frames_in: counters.frames_in.total(),
                frames_out: counters.frames_out.total(),
                bytes_out: counters.bytes_out.total(),
            },
            rooms: Rooms {
                load: inner.hub.load(),
                died: counters.rooms_died.total(),
                deliveries: counters.deliveries.total(),
                fan_out: counters.fan_out.measured(),
            },
            journal: Journal {
                waiting: counters.journal_waiting.now(),
                batch_max: inner.settings.limits.journal_batch,
                entries: counters.entries.total(),
                messages: counters.messages.total(),
                stale: counters.stale.total(),
                batch_size: counters.batch_size.measured(),
                commit: counters.commit.measured(),
            },
            requests: counters.requests.totals(),
            database: counters.database.totals(),
            refusals: counters.refusals(),
            disk: self.disk(),
        }
    }
}
