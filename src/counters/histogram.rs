//! How large things were, by the buckets that they fell into.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of times, in microseconds: 0.1 ms to 5 s.
const TIMES: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000,
];

/// Upper bounds of sizes.
const SIZES: &[u64] = &[1, 2, 5, 10, 20, 50, 100, 200, 500];

/// Counts how many fell into which bucket.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: what is above the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] came to. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The upper bound of each bucket but the last, which has none.
    pub bounds: &'static [u64],
    /// How many fell into each bucket.
    pub counts: Vec<u64>,
    /// All of them together.
    pub sum: u64,
}

impl Histogram {
    /// Of durations.
    #[must_use]
    pub fn of_times() -> Self {
        Self::new(TIMES)
    }

    /// Of numbers of things.
    #[must_use]
    pub fn of_sizes() -> Self {
        Self::new(SIZES)
    }

    fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a duration.
    pub fn time(&self, took: Duration) {
        self.count(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Counts something of this size.
    pub fn count(&self, size: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < size);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(size, Ordering::Relaxed);
    }

    /// What it came to so far.
    #[must_use]
    pub fn measured(&self) -> Measured {
        let counts = self.counts.iter();
        Measured {
            bounds: self.bounds,
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

impl Measured {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their mean; none where there were none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64)
    }

    /// What fell in since an `earlier` look at the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts);
        Self {
            bounds: self.bounds,
            counts: counts
                .map(|(now, then)| now.saturating_sub(*then))
                .collect(),
            sum: self.sum.saturating_sub(earlier.sum),
        }
    }

    /// A bound below which this `share` of them were, from 0 to 1; none where
    /// there were none. What is above every bound counts as the last.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is one"
    )]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let count = self.count();
        let rank = (count as f64 * share.clamp(0.0, 1.0)).ceil().max(1.0) as u64;
        let mut below = 0;
        let reached = self.counts.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        self.bounds.get(reached).or(self.bounds.last()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_falls_into_the_first_bucket_that_holds_it() {
        let sizes = Histogram::of_sizes();
        for size in [0, 1, 2, 3, 5, 500, 501] {
            sizes.count(size);
        }
        let measured = sizes.measured();
        assert_eq!(measured.counts, [2, 1, 2, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((measured.count(), measured.sum), (7, 1012));
    }

    #[test]
    fn what_came_since_has_its_own_mean_and_quantiles() {
        let times = Histogram::of_times();
        times.time(Duration::from_secs(60));
        let earlier = times.measured();
        assert_eq!(earlier.quantile(0.5), Some(5_000_000), "the last bound");
        for _ in 0..99 {
            times.time(Duration::from_micros(80));
        }
        times.time(Duration::from_micros(20_000));
        let since = times.measured().since(&earlier);
        assert_eq!(since.count(), 100);
        assert_eq!(since.quantile(0.5), Some(100));
        assert_eq!(since.quantile(0.99), Some(100));
        assert_eq!(since.quantile(1.0), Some(25_000));
        assert_eq!(since.mean(), Some((99.0 * 80.0 + 20_000.0) / 100.0));
    }

    #[test]
    fn nothing_has_no_mean_and_no_quantile() {
        let nothing = Histogram::of_times().measured();
        assert_eq!(nothing.mean(), None);
        assert_eq!(nothing.quantile(0.5), None);
    }
}
