//! The engine's pulse: a few figures, sampled every two seconds and kept for
//! five minutes, so that operators also see the recent past.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use entity::Millis;
use parking_lot::Mutex;
use serde::Serialize;

use super::Engine;
use super::overview::EngineOverview;
use crate::counters::HistogramSnapshot;

/// Samples kept: five minutes, one every two seconds.
pub const SAMPLES_KEPT: usize = 150;

/// The figures of one moment. Rates and means cover the time since the previous
/// sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PulseSample {
    pub at: Millis,
    /// Open sockets.
    pub sessions: usize,
    /// Users with an open socket.
    pub people: usize,
    /// Rooms that are live.
    pub rooms: usize,
    /// New messages on disk, per second.
    pub sends: f64,
    /// Deliveries to sessions, per second.
    pub deliveries: f64,
    /// Mean number of entries in a batch of the Journal.
    pub batch: f64,
    /// Mean time until a batch was on disk. Milliseconds.
    pub commit: f64,
    /// Appends that wait for the Journal.
    pub journal: usize,
    /// Commands that Rooms have not answered.
    pub mailboxes: usize,
    /// How full the fullest session's budget of unsent bytes is. Percent.
    pub fullest: f64,
    /// Sessions evicted because they read too slowly.
    pub evictions: u64,
}

/// The samples that are kept.
#[derive(Default)]
pub(super) struct PulseHistory(Mutex<VecDeque<PulseSample>>);

/// Takes samples periodically until the engine stops.
pub(super) fn start_pulse(engine: &Engine, every: Duration) {
    let weak = Arc::downgrade(&engine.inner);
    // The first sample needs an overview to compare with.
    let mut before = None;
    engine.inner.background.repeat(every, move || {
        let engine = weak.upgrade().map(|inner| Engine { inner });
        before = engine.as_ref().map(|engine| match &before {
            None => engine.overview(),
            Some(before) => engine.record_sample(before),
        });
        std::future::ready(engine.is_some())
    });
}

impl Engine {
    /// Returns the kept samples after `moment`, in order.
    #[must_use]
    pub fn pulse_since(&self, moment: Millis) -> Vec<PulseSample> {
        let kept = self.inner.pulse.0.lock();
        let new = kept.iter().filter(|sample| sample.at > moment);
        new.cloned().collect()
    }

    /// Records a sample for the time since `before`, and returns the new
    /// overview.
    fn record_sample(&self, before: &EngineOverview) -> EngineOverview {
        let now = self.overview();
        let mut kept = self.inner.pulse.0.lock();
        // Samples stay in order if the clock is set back.
        let last = kept.back().map_or(Millis(0), |sample| sample.at);
        let at = Millis(Millis::now().0.max(last.0 + 1));
        if kept.len() >= SAMPLES_KEPT {
            kept.pop_front();
        }
        kept.push_back(PulseSample::between(at, before, &now));
        now
    }
}

impl PulseSample {
    fn between(at: Millis, before: &EngineOverview, now: &EngineOverview) -> Self {
        let span = now.uptime.saturating_sub(before.uptime).as_secs_f64();
        let a_second = |then: u64, now: u64| {
            if span > 0.0 {
                to_float(now.saturating_sub(then)) / span
            } else {
                0.0
            }
        };
        let mean = |then: &HistogramSnapshot, now: &HistogramSnapshot| {
            now.since(then).mean().unwrap_or(0.0)
        };
        let (sockets, rooms, journal) = (&now.sockets, &now.rooms, &now.journal);
        let budget = to_float(sockets.budget.max(1) as u64);
        Self {
            at,
            sessions: sockets.sessions.sessions,
            people: sockets.sessions.people,
            rooms: rooms.load.live,
            sends: a_second(before.journal.messages, journal.messages),
            deliveries: a_second(before.rooms.deliveries, rooms.deliveries),
            batch: mean(&before.journal.batch_size, &journal.batch_size),
            commit: mean(&before.journal.commit, &journal.commit) / 1000.0,
            journal: journal.waiting,
            mailboxes: rooms.load.unanswered,
            fullest: 100.0 * to_float(sockets.sessions.fullest as u64) / budget,
            evictions: sockets.evicted.saturating_sub(before.sockets.evicted),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the figure is only displayed")]
fn to_float(count: u64) -> f64 {
    count as f64
}
