//! Histograms: numbers of values by bucket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of times, in microseconds: 0.1 ms to 5 s.
const TIME_BOUNDS: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000,
];

/// Upper bounds of sizes.
const SIZE_BOUNDS: &[u64] = &[1, 2, 5, 10, 20, 50, 100, 200, 500];

/// Counts values by bucket.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One counter per bound, and a last one for values above all bounds.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A snapshot of a [`Histogram`]. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// The upper bound of each bucket except the last, which has none.
    pub bounds: &'static [u64],
    /// The number of values in each bucket.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: u64,
}

impl Histogram {
    /// Creates a histogram of durations.
    #[must_use]
    pub fn with_time_buckets() -> Self {
        Self::new(TIME_BOUNDS)
    }

    /// Creates a histogram of sizes.
    #[must_use]
    pub fn with_size_buckets() -> Self {
        Self::new(SIZE_BOUNDS)
    }

    fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Records a duration.
    pub fn record_time(&self, took: Duration) {
        self.record_size(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Records a size.
    pub fn record_size(&self, size: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < size);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(size, Ordering::Relaxed);
    }

    /// Returns a snapshot of the values so far.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let counts = self.counts.iter();
        HistogramSnapshot {
            bounds: self.bounds,
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

impl HistogramSnapshot {
    /// Returns the number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the mean, or `None` if there are no values.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an approximate mean is enough")]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64)
    }

    /// Returns the values since an `earlier` snapshot of the same histogram.
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

    /// Returns the bound of the bucket that holds the value at this `share`,
    /// from 0 to 1. Returns the last bound for a value above every bound, and
    /// `None` if there are no values.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is itself a count"
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
    fn sizes_fall_into_first_fitting_bucket() {
        let sizes = Histogram::with_size_buckets();
        for size in [0, 1, 2, 3, 5, 500, 501] {
            sizes.record_size(size);
        }
        let measured = sizes.snapshot();
        assert_eq!(measured.counts, [2, 1, 2, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((measured.count(), measured.sum), (7, 1012));
    }

    #[test]
    fn difference_has_own_mean_and_quantiles() {
        let times = Histogram::with_time_buckets();
        times.record_time(Duration::from_secs(60));
        let earlier = times.snapshot();
        assert_eq!(earlier.quantile(0.5), Some(5_000_000), "the last bound");
        for _ in 0..99 {
            times.record_time(Duration::from_micros(80));
        }
        times.record_time(Duration::from_micros(20_000));
        let since = times.snapshot().since(&earlier);
        assert_eq!(since.count(), 100);
        assert_eq!(since.quantile(0.5), Some(100));
        assert_eq!(since.quantile(0.99), Some(100));
        assert_eq!(since.quantile(1.0), Some(25_000));
        assert_eq!(since.mean(), Some((99.0 * 80.0 + 20_000.0) / 100.0));
    }

    #[test]
    fn empty_histogram_has_no_quantile() {
        let nothing = Histogram::with_time_buckets().snapshot();
        assert_eq!(nothing.mean(), None);
        assert_eq!(nothing.quantile(0.5), None);
    }
}
