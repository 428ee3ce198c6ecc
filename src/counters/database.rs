//! Database time, by the route that it was spent for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::Count;
use super::requests::plain;

/// Time on the database's connections. There are as many counts as the table
/// of routes has lines, and a few for what is no request.
#[derive(Debug, Default)]
pub struct DatabaseTimes(RwLock<BTreeMap<String, Arc<Count>>>);

impl DatabaseTimes {
    /// A route's pattern, or what is no route, spent this.
    pub fn spent(&self, pattern: &str, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count(pattern).add(micros);
    }

    /// Milliseconds of every route that spent any.
    #[must_use]
    pub fn totals(&self) -> Vec<(String, u64)> {
        let counts = self.0.read();
        let totals = counts
            .iter()
            .map(|(pattern, count)| (plain(pattern), count.total() / 1000));
        totals.collect()
    }

    fn count(&self, pattern: &str) -> Arc<Count> {
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
    fn time_is_kept_by_route() {
        let times = DatabaseTimes::default();
        for _ in 0..4 {
            times.spent("/api/groups/{id:\\d+}", Duration::from_micros(750));
        }
        times.spent("journal", Duration::from_millis(2));
        let expected = [
            ("/api/groups/{id}".to_owned(), 3),
            ("journal".to_owned(), 2),
        ];
        assert_eq!(times.totals(), expected);
    }
}
