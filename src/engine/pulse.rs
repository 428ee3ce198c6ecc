//! The engine's pulse: a few figures, taken every moment and kept for some
//! minutes, so that whoever looks after it sees what was, too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use entity::Millis;
use parking_lot::Mutex;
use serde::Serialize;

use super::Engine;
use super::overview::Overview;
use crate::counters::Measured;

/// How many are kept: five minutes, one every two seconds.
pub const KEPT: usize = 150;

/// The figures of one moment. Those that count what happens are of the time
/// since the moment before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    pub at: Millis,
    /// Open sockets.
    pub sessions: usize,
    /// People who have one.
    pub people: usize,
    /// Rooms that are live.
    pub rooms: usize,
    /// New messages on disk, a second.
    pub sends: f64,
    /// What was handed to sessions, a second.
    pub deliveries: f64,
    /// Entries of a batch of the Journal, in the mean.
    pub batch: f64,
    /// How long a batch took to be on disk, in the mean. Milliseconds.
    pub commit: f64,
    /// What waits for the Journal.
    pub journal: usize,
    /// What waits in the Rooms' mailboxes, or for what they asked.
    pub mailboxes: usize,
    /// How full the fullest session's budget of unsent bytes is. Percent.
    pub fullest: f64,
    /// Sessions let go since they took too little.
    pub evictions: u64,
}

/// What is kept.
#[derive(Default)]
pub(super) struct Pulse(Mutex<VecDeque<Sample>>);

/// Takes the pulse from now on, as long as there is an engine.
pub(super) fn take(engine: &Engine, every: Duration) {
    let weak = Arc::downgrade(&engine.inner);
    // The first look is at once, and there is nothing to send yet.
    let mut before = None;
    engine.inner.background.repeat(every, move || {
        let engine = weak.upgrade().map(|inner| Engine { inner });
        before = engine.as_ref().map(|engine| match &before {
            None => engine.overview(),
            Some(before) => engine.beat(before),
        });
        std::future::ready(engine.is_some())
    });
}

impl Engine {
    /// The samples that are kept of after that moment, in order.
    #[must_use]
    pub fn pulse_since(&self, moment: Millis) -> Vec<Sample> {
        let kept = self.inner.pulse.0.lock();
        let new = kept.iter().filter(|sample| sample.at > moment);
        new.cloned().collect()
    }

    /// Notes what came since the look before, and answers this one.
    fn beat(&self, before: &Overview) -> Overview {
        let now = self.overview();
        let mut kept = self.inner.pulse.0.lock();
        // A clock that was set back doesn't turn the pulse round.
        let last = kept.back().map_or(Millis(0), |sample| sample.at);
        let at = Millis(Millis::now().0.max(last.0 + 1));
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(Sample::between(at, before, &now));
        now
    }
}

impl Sample {
    fn between(at: Millis, before: &Overview, now: &Overview) -> Self {
        let span = now.uptime.saturating_sub(before.uptime).as_secs_f64();
        let a_second = |then: u64, now: u64| match span > 0.0 {
            true => float(now.saturating_sub(then)) / span,
            false => 0.0,
        };
        let mean = |then: &Measured, now: &Measured| now.since(then).mean().unwrap_or(0.0);
        let (sockets, rooms, journal) = (&now.sockets, &now.rooms, &now.journal);
        let budget = float(sockets.budget.max(1) as u64);
        Self {
            at,
            sessions: sockets.here.sessions,
            people: sockets.here.people,
            rooms: rooms.load.live,
            sends: a_second(before.journal.messages, journal.messages),
            deliveries: a_second(before.rooms.deliveries, rooms.deliveries),
            batch: mean(&before.journal.batch_size, &journal.batch_size),
            commit: mean(&before.journal.commit, &journal.commit) / 1000.0,
            journal: journal.waiting,
            mailboxes: rooms.load.asked,
            fullest: 100.0 * float(sockets.here.fullest as u64) / budget,
            evictions: sockets.evicted.saturating_sub(before.sockets.evicted),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn float(count: u64) -> f64 {
    count as f64
}
