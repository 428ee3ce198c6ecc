//! Limits a client's errors. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Counts errors over a sliding window.
#[derive(Debug)]
pub(super) struct ErrorMeter {
    max_errors: usize,
    window: Duration,
    recent: VecDeque<Instant>,
}

impl ErrorMeter {
    /// Returns a meter that allows fewer than `max_errors` errors within
    /// `window`.
    pub(super) fn new(max_errors: usize, window: Duration) -> Self {
        Self {
            max_errors,
            window,
            recent: VecDeque::new(),
        }
    }

    /// Counts an error; returns true if the limit is reached.
    pub(super) fn count(&mut self, now: Instant) -> bool {
        while let Some(oldest) = self.recent.front()
            && now.duration_since(*oldest) >= self.window
        {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.recent.len() >= self.max_errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_count_within_window() {
        let start = Instant::now();
        let window = Duration::from_secs(10);
        let mut meter = ErrorMeter::new(3, window);
        assert!(!meter.count(start));
        assert!(!meter.count(start + window / 2));
        assert!(!meter.count(start + window));
        assert!(meter.count(start + window));
    }
}
