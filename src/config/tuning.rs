//! Intervals, timeouts and bounds that only tests change. Operators can't set
//! them, because the protocol promises most of them.

use std::time::Duration;

/// Intervals and timeouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTimings {
    /// Timeout for the head of a connection's first request. 5 s.
    pub head_within: Duration,
    /// Timeout for the body of a request. 20 s.
    pub body_within: Duration,
    /// Timeout for each step on a connection that is no socket: the arrival of
    /// the next request, then its response. 60 s.
    pub step_within: Duration,
    /// Interval at which the server pings each socket. 25 s.
    pub ping_every: Duration,
    /// A socket without a frame from its client for this long is closed. 60 s,
    /// so that two pings may get lost.
    pub silence: Duration,
    /// At a user's limit of sockets, a socket without a frame for this long
    /// after a ping is closed. 3 s.
    pub probe_within: Duration,
    /// A session with more unsent bytes than its budget is closed if none of
    /// them left for its socket for this long. 15 s, as long as the kernel
    /// waits for a client that reads nothing.
    pub stall_within: Duration,
    /// Interval at which a node looks for logins that another process ended.
    /// 500 ms, because the protocol promises a second.
    pub login_check_every: Duration,
    /// Interval at which a node looks for changed names. 250 ms, because they
    /// must be sent within a second.
    pub names_check_every: Duration,
    /// How far each check of logins reaches back before the previous one. 10 s:
    /// the end of a login is timed before its transaction commits, perhaps by
    /// another host's clock.
    pub login_check_overlap: Duration,
    /// Interval at which a node checks that it is alone on its database. 1 s.
    pub lock_check_every: Duration,
    /// A node that isn't alone for this long stops. 30 s: until then, the other
    /// holder of the lock may be the node's own lost connection.
    pub lock_loss_grace: Duration,
    /// Time from the end of a user's last socket until the user is offline.
    /// With 5 s, a change of page isn't visible.
    pub presence_grace: Duration,
    /// Interval at which a node writes that it is alive. 30 s.
    pub node_alive_every: Duration,
    /// A Room without work stops after this time, or a little later. 60 s.
    pub room_idle_after: Duration,
    /// Time for which markers are collected per member and Room. 100 ms:
    /// scrolling past many messages costs one transaction and one frame.
    pub marker_batch_window: Duration,
    /// Interval at which the free disk space is read. 2 s.
    pub disk_check_every: Duration,
    /// Interval at which a node saves the mark of the database's epoch in the
    /// data folder. 60 s.
    pub epoch_noted_every: Duration,
    /// Interval at which expired rows are deleted. 1 h.
    pub cleanup_every: Duration,
    /// Interval at which the engine's state is sampled for admins. 2 s: five
    /// minutes of samples are kept.
    pub pulse_every: Duration,
    /// Deadline of the shutdown with all its steps. 8 s: well within the
    /// promised 10 s.
    pub stop_within: Duration,
}

impl Default for ServerTimings {
    fn default() -> Self {
        Self {
            head_within: Duration::from_secs(5),
            body_within: Duration::from_secs(20),
            step_within: Duration::from_secs(60),
            ping_every: Duration::from_secs(25),
            silence: Duration::from_secs(60),
            probe_within: Duration::from_secs(3),
            stall_within: Duration::from_secs(15),
            login_check_every: Duration::from_millis(500),
            names_check_every: Duration::from_millis(250),
            login_check_overlap: Duration::from_secs(10),
            lock_check_every: Duration::from_secs(1),
            lock_loss_grace: Duration::from_secs(30),
            presence_grace: Duration::from_secs(5),
            node_alive_every: Duration::from_secs(30),
            room_idle_after: Duration::from_secs(60),
            marker_batch_window: Duration::from_millis(100),
            disk_check_every: Duration::from_secs(2),
            epoch_noted_every: Duration::from_secs(60),
            cleanup_every: Duration::from_secs(3600),
            pulse_every: Duration::from_secs(2),
            stop_within: Duration::from_secs(8),
        }
    }
}

/// Bounds of sizes and counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// The largest frame from a client, in bytes. 128 KiB; a larger one closes
    /// the socket with 1009.
    pub frame_max: usize,
    /// The largest body of a request, in bytes. 256 KiB.
    pub body_max: usize,
    /// The maximum number of unsent bytes of a session, even if it makes
    /// progress. 4 MiB; above it, the session is closed at once.
    pub session_buffer_max: usize,
    /// The maximum number of appends in one transaction of the Journal. 500: as
    /// many as the bind parameters of their rows allow on both databases.
    pub journal_batch: usize,
    /// The maximum number of commands of all Rooms that aren't yet stored and
    /// announced; one more is refused as `busy`. 8,192.
    pub pending_sends: usize,
    /// The maximum number of a client's frames that wait for the session's
    /// `hello`. 64; the next 64 are answered `busy` after the `hello`, and one
    /// more closes the session.
    pub opening_commands: usize,
    /// The maximum number of threads that serve requests, and of threads that
    /// run Rooms. 24 on any number of cores, because `deploy/tidings.service`
    /// allows 256 threads in all.
    pub event_loops: usize,
    /// The maximum number of concurrent reads of missed changes for sessions
    /// that resume. 4, so that a thousand reconnecting clients don't occupy the
    /// database.
    pub resume_reads: usize,
    /// A socket is closed with 1008 at this many errors within
    /// [`ServerLimits::errors_window`]. 20.
    pub errors_before_close: usize,
    /// Window in which errors are counted. 10 s.
    pub errors_window: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            frame_max: 128 * 1024,
            body_max: 256 * 1024,
            session_buffer_max: 4 * 1024 * 1024,
            journal_batch: 500,
            pending_sends: 8192,
            opening_commands: 64,
            event_loops: 24,
            resume_reads: 4,
            errors_before_close: 20,
            errors_window: Duration::from_secs(10),
        }
    }
}
