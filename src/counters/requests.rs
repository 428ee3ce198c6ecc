//! Requests, by the route that answered them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::{Count, Histogram, Measured};

/// What stands for every path that there is no route for.
pub const NO_ROUTE: &str = "none";

/// The first digit of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusClass {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
}

impl StatusClass {
    /// Every class there is.
    pub const ALL: [Self; 5] = [
        Self::Informational,
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
    ];

    /// As it is written: `2xx`.
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

/// Requests by route and status. There are as many counts as the table of
/// routes has lines, whatever is asked for.
#[derive(Debug, Default)]
pub struct Requests {
    /// By the route's pattern, as the table of routes has it.
    routes: RwLock<BTreeMap<String, Arc<Route>>>,
}

#[derive(Debug)]
struct Route {
    name: String,
    by_class: [Count; StatusClass::ALL.len()],
    took: Histogram,
}

/// How often a route answered, how, and how fast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTotals {
    /// The path with the names of its parts: `/api/users/{username}`.
    pub route: String,
    /// In the order of [`StatusClass::ALL`].
    pub by_class: [u64; StatusClass::ALL.len()],
    /// How long answers took, up to their first byte. Microseconds.
    pub took: Measured,
}

impl Requests {
    /// A request of the route with this pattern was answered.
    pub fn answered(&self, pattern: Option<&str>, status: u16, took: Duration) {
        let route = self.route(pattern.unwrap_or(NO_ROUTE));
        route.took.time(took);
        if let Some(count) = route.by_class.get(StatusClass::of(status) as usize) {
            count.one();
        }
    }

    /// Every route that answered at least once.
    #[must_use]
    pub fn totals(&self) -> Vec<RouteTotals> {
        let routes = self.routes.read();
        let totals = routes.values().map(|route| RouteTotals {
            route: route.name.clone(),
            by_class: std::array::from_fn(|at| route.by_class.get(at).map_or(0, Count::total)),
            took: route.took.measured(),
        });
        totals.collect()
    }

    fn route(&self, pattern: &str) -> Arc<Route> {
        if let Some(route) = self.routes.read().get(pattern) {
            return Arc::clone(route);
        }
        let mut routes = self.routes.write();
        let route = routes.entry(pattern.to_owned()).or_insert_with(|| {
            Arc::new(Route {
                name: plain(pattern),
                by_class: std::array::from_fn(|_| Count::default()),
                took: Histogram::of_times(),
            })
        });
        Arc::clone(route)
    }
}

/// The pattern without what its parts have to look like: `{id:\d+}` is `{id}`.
pub(super) fn plain(pattern: &str) -> String {
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
    fn requests_are_counted_by_route_and_class() {
        let requests = Requests::default();
        let took = Duration::from_millis(1);
        for status in [101, 200, 201, 302, 404, 500, 503] {
            requests.answered(Some("/api/groups/{id:\\d+}/{name}"), status, took);
        }
        requests.answered(None, 404, took);
        let [one, none] = &requests.totals()[..] else {
            panic!("two routes");
        };
        assert_eq!(one.route, "/api/groups/{id}/{name}");
        assert_eq!(one.by_class, [1, 2, 1, 1, 2]);
        assert_eq!((none.route.as_str(), none.by_class[3]), (NO_ROUTE, 1));
        assert_eq!((one.took.count(), none.took.count()), (7, 1));
    }
}
