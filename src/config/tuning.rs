//! What only tests change: the pace of things, and their bounds. Operators
//! have no say in these, since the protocol promises most of them.

use std::time::Duration;

/// The pace of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// The server pings each socket this often. 25 s.
    pub ping_every: Duration,
    /// A socket that said nothing for this long is closed. 60 s, so that two
    /// pings may get lost.
    pub silence: Duration,
    /// How often a node looks for logins that ended elsewhere. 500 ms, since
    /// a second is promised.
    pub login_check_every: Duration,
    /// From the last socket's end until its user is offline. 5 s: a change of
    /// page is not a blink.
    pub presence_grace: Duration,
    /// How often a node writes that it is alive. 30 s.
    pub node_alive_every: Duration,
    /// A room without work goes after this long. 60 s.
    pub room_idle_after: Duration,
    /// How long stopping waits for each of its steps. 5 s, within the 10 s
    /// that are promised.
    pub shutdown_grace: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(25),
            silence: Duration::from_secs(60),
            login_check_every: Duration::from_millis(500),
            presence_grace: Duration::from_secs(5),
            node_alive_every: Duration::from_secs(30),
            room_idle_after: Duration::from_secs(60),
            shutdown_grace: Duration::from_secs(5),
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
    /// The most entries in one transaction of the journal. 500: as many as
    /// their rows' bind parameters allow on both databases.
    pub journal_batch: usize,
    /// The most sends that wait to be on disk and told, over all rooms; one
    /// more is refused as `busy`. 8,192.
    pub pending_sends: usize,
    /// The most frames that a client may send before its `hello`; they wait.
    /// 64.
    pub opening_commands: usize,
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
            journal_batch: 500,
            pending_sends: 8192,
            opening_commands: 64,
            errors_before_close: 20,
            errors_window: Duration::from_secs(10),
        }
    }
}
