//! HTTP requests by route.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::{AtomicCounter, Histogram, HistogramSnapshot};

/// Name of the route of every path that matches no route.
pub const NO_ROUTE: &str = "none";

/// Class of a status: its first digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusClass {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
}

impl StatusClass {
    /// All classes.
    pub const ALL: [Self; 5] = [
        Self::Informational,
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
    ];

    /// Returns the class as text, such as `2xx`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "1xx",
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }

    fn of(status: u16) -> Self {
        match status {
            ..200 => Self::Informational,
            200..300 => Self::Success,
            300..400 => Self::Redirection,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

/// Requests by route and status. The number of counters depends on the table of
/// routes, not on the requested paths.
#[derive(Debug, Default)]
pub struct RequestCounters {
    /// Keyed by the route's pattern, as in the table of routes.
    routes: RwLock<BTreeMap<String, Arc<RouteCounters>>>,
}

#[derive(Debug)]
struct RouteCounters {
    name: String,
    by_class: [AtomicCounter; StatusClass::ALL.len()],
    took: Histogram,
}

/// The numbers of a route's responses by class, and their times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTotals {
    /// The path with the names of its parameters: `/api/users/{username}`.
    pub route: String,
    /// In the order of [`StatusClass::ALL`].
    pub by_class: [u64; StatusClass::ALL.len()],
    /// Time until the first byte of a response, in microseconds.
    pub took: HistogramSnapshot,
}

impl RequestCounters {
    /// Counts a response of the route with this pattern.
    pub fn count_response(&self, pattern: Option<&str>, status: u16, took: Duration) {
        let route = self.route(pattern.unwrap_or(NO_ROUTE));
        route.took.record_time(took);
        if let Some(count) = route.by_class.get(StatusClass::of(status) as usize) {
            count.increment();
        }
    }

    /// Returns every route that answered at least once.
    #[must_use]
    pub fn totals(&self) -> Vec<RouteTotals> {
        let routes = self.routes.read();
        let totals = routes.values().map(|route| RouteTotals {
            route: route.name.clone(),
            by_class: std::array::from_fn(|at| {
                route.by_class.get(at).map_or(0, AtomicCounter::total)
            }),
            took: route.took.snapshot(),
        });
        totals.collect()
    }

    fn route(&self, pattern: &str) -> Arc<RouteCounters> {
        if let Some(route) = self.routes.read().get(pattern) {
            return Arc::clone(route);
        }
        let mut routes = self.routes.write();
        let route = routes.entry(pattern.to_owned()).or_insert_with(|| {
            Arc::new(RouteCounters {
                name: strip_constraints(pattern),
                by_class: std::array::from_fn(|_| AtomicCounter::default()),
                took: Histogram::with_time_buckets(),
            })
        });
        Arc::clone(route)
    }
}

/// Returns the pattern without the regular expressions of its parameters:
/// `{id:\d+}` becomes `{id}`.
pub(super) fn strip_constraints(pattern: &str) -> String {
    let mut name = String::new();
    let mut is_form = false;
    for letter in pattern.chars() {
        is_form = match letter {
            ':' => true,
            '}' => false,
            _ => is_form,
        };
        if !is_form {
            name.push(letter);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_count_by_route_and_class() {
        let requests = RequestCounters::default();
        let took = Duration::from_millis(1);
        for status in [101, 200, 201, 302, 404, 500, 503] {
            requests.count_response(Some("/api/groups/{id:\\d+}/{name}"), status, took);
        }
        requests.count_response(None, 404, took);
        let [one, none] = &requests.totals()[..] else {
            panic!("two routes");
        };
        assert_eq!(one.route, "/api/groups/{id}/{name}");
        assert_eq!(one.by_class, [1, 2, 1, 1, 2]);
        assert_eq!((none.route.as_str(), none.by_class[3]), (NO_ROUTE, 1));
        assert_eq!((one.took.count(), none.took.count()), (7, 1));
    }
}
