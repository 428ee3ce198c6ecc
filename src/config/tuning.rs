//! What only tests change: the pace of things, and their bounds. Operators
//! have no say in these, since the protocol promises most of them.

use std::time::Duration;

/// The pace of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// The head of a connection's first request is read within this. 5 s.
    pub head_within: Duration,
    /// The body of a request is read within this. 20 s.
    pub body_within: Duration,
    /// On a connection that is no socket, the next request is there within
    /// this, and then its answer, or it is ended. 60 s.
    pub step_within: Duration,
    /// The server pings each socket this often. 25 s.
    pub ping_every: Duration,
    /// A socket that said nothing for this long is closed. 60 s, so that two
    /// pings may get lost.
    pub silence: Duration,
    /// At the limit of a user's sockets, one whose client says nothing for this
    /// long after a ping is closed. 3 s.
    pub probe_within: Duration,
    /// A session with more unsent bytes than its budget is closed if none of
    /// them left for its socket for this long. 15 s, as long as the kernel waits
    /// for a client that takes nothing.
    pub stall_within: Duration,
    /// How often a node looks for logins that ended elsewhere. 500 ms, since
    /// a second is promised.
    pub login_check_every: Duration,
    /// How often a node looks for changed names. 250 ms, since a second is
    /// promised until they are sent.
    pub names_check_every: Duration,
    /// How far each of these looks goes back before the one before it. 10 s: a
    /// login counts as ended from a moment that is noted before its transaction
    /// commits, by a clock that may not be ours.
    pub login_check_overlap: Duration,
    /// How often a node looks whether it is alone on its database. 1 s.
    pub alone_check_every: Duration,
    /// A node that isn't alone for so long stops. 30 s: until then it may be
    /// its own lost connection.
    pub alone_patience: Duration,
    /// From the last socket's end until its user is offline. 5 s: a change of
    /// page is not a blink.
    pub presence_grace: Duration,
    /// How often a node writes that it is alive. 30 s.
    pub node_alive_every: Duration,
    /// A room without work goes after this long, or a little later. 60 s.
    pub room_idle_after: Duration,
    /// Marks are gathered for this long per person and room. 100 ms: one
    /// transaction and one frame for what a person scrolls past.
    pub marks_gathered_for: Duration,
    /// How often the disk's free space is looked at. 2 s.
    pub disk_check_every: Duration,
    /// How often the data folder notes how far the database is. 60 s.
    pub epoch_noted_every: Duration,
    /// How often rows that are out of use are deleted. 1 h.
    pub cleanup_every: Duration,
    /// How often the engine's pulse is taken, for admins to watch. 2 s: five
    /// minutes of it are kept.
    pub pulse_every: Duration,
    /// How long stopping takes in all, whatever its steps wait for. 8 s: well
    /// within the 10 s that are promised.
    pub stop_within: Duration,
}

impl Default for Timings {
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
            alone_check_every: Duration::from_secs(1),
            alone_patience: Duration::from_secs(30),
            presence_grace: Duration::from_secs(5),
            node_alive_every: Duration::from_secs(30),
            room_idle_after: Duration::from_secs(60),
            marks_gathered_for: Duration::from_millis(100),
            disk_check_every: Duration::from_secs(2),
            epoch_noted_every: Duration::from_secs(60),
            cleanup_every: Duration::from_secs(3600),
            pulse_every: Duration::from_secs(2),
            stop_within: Duration::from_secs(8),
        }
    }
}

/// The bounds of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest frame from a client, in bytes. 128 KiB; a larger one is
    /// answered by closing with 1009.
    pub frame_max: usize,
    /// The largest body of a request, in bytes. 256 KiB.
    pub body_max: usize,
    /// The most bytes that wait for a session, also if it makes progress. 4 MiB;
    /// above it, the session is closed at once.
    pub session_buffer_max: usize,
    /// The most entries in one transaction of the journal. 500: as many as
    /// their rows' bind parameters allow on both databases.
    pub journal_batch: usize,
    /// The most sends that wait to be on disk and told, over all rooms; one
    /// more is refused as `busy`. 8,192.
    pub pending_sends: usize,
    /// The most frames that a client may send before its `hello`; they wait.
    /// 64; as many more are answered `busy` after it, and then it is let go.
    pub opening_commands: usize,
    /// The most threads that serve requests, and the most that run rooms. 24,
    /// however many cores there are: `deploy/tidings.service` allows 256 threads
    /// in all.
    pub event_loops: usize,
    /// The most readings at a time of what resuming sessions missed. 4, so
    /// that a thousand that reconnect leave the database to the others.
    pub resume_reads: usize,
    /// A socket is closed with 1008 at this many errors within
    /// [`Limits::errors_window`]. 20.
    pub errors_before_close: usize,
    /// The time in which errors are counted. 10 s.
    pub errors_window: Duration,
}

impl Default for Limits {
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
