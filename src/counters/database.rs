//! Database time by route.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::AtomicCounter;
use super::requests::strip_constraints;

/// Time on the database's connections. It has one counter for each route, and a
/// few for work outside of requests.
#[derive(Debug, Default)]
pub struct DatabaseTimes(RwLock<BTreeMap<String, Arc<AtomicCounter>>>);

impl DatabaseTimes {
    /// Adds time spent for the route with this pattern, or for work outside of
    /// requests.
    pub fn add_time(&self, pattern: &str, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count(pattern).add(micros);
    }

    /// Returns the milliseconds of each route that spent any.
    #[must_use]
    pub fn totals(&self) -> Vec<(String, u64)> {
        let counts = self.0.read();
        let totals = counts
            .iter()
            .map(|(pattern, count)| (strip_constraints(pattern), count.total() / 1000));
        totals.collect()
    }

    fn count(&self, pattern: &str) -> Arc<AtomicCounter> {
        if let Some(count) = self.0.read().get(pattern) {
            return Arc::clone(count);
        }
        let mut counts = self.0.write();
        Arc::clone(counts.entry(pattern.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_summed_by_route() {
        let times = DatabaseTimes::default();
        for _ in 0..4 {
            times.add_time("/api/groups/{id:\\d+}", Duration::from_micros(750));
        }
        times.add_time("journal", Duration::from_millis(2));
        let expected = [
            ("/api/groups/{id}".to_owned(), 3),
            ("journal".to_owned(), 2),
        ];
        assert_eq!(times.totals(), expected);
    }
}
