//! When errors are too many: pure.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Counts errors over a sliding window.
#[derive(Debug)]
pub(super) struct ErrorMeter {
    most: usize,
    window: Duration,
    recent: VecDeque<Instant>,
}

impl ErrorMeter {
    /// `most` errors within `window` are too many.
    pub(super) fn new(most: usize, window: Duration) -> Self {
        Self {
            most,
            window,
            recent: VecDeque::new(),
        }
    }

    /// Counts one; true where it is one too many.
    pub(super) fn count(&mut self, now: Instant) -> bool {
        while let Some(oldest) = self.recent.front()
            && now.duration_since(*oldest) >= self.window
        {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.recent.len() >= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_close_together_are_too_many() {
        let start = Instant::now();
        let window = Duration::from_secs(10);
        let mut meter = ErrorMeter::new(3, window);
        assert!(!meter.count(start));
        assert!(!meter.count(start + window / 2));
        assert!(!meter.count(start + window));
        assert!(meter.count(start + window));
    }
}
