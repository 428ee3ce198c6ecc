//! The results: a JSON line for each measurement, and a table at the end.

use std::time::Duration;

use serde_json::{Map, Value, json};

#[derive(Clone, Default)]
pub(crate) struct LoadFigures {
    pub(crate) scenario: String,
    /// The measured process: `tidings`, or one of the limits.
    pub(crate) process: &'static str,
    /// The unit that is counted: messages, deliveries, connects, pages …
    pub(crate) unit: &'static str,
    pub(crate) per_second: f64,
    /// CPU time of the measured process for each unit, in microseconds.
    pub(crate) cpu_micros: f64,
    /// Median and 99th percentile of the latency, in milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Further figures, by name.
    pub(crate) extra: Vec<(&'static str, f64)>,
}

impl LoadFigures {
    pub(crate) fn json(&self) -> Value {
        let mut line = Map::new();
        line.insert("scenario".to_owned(), json!(self.scenario));
        line.insert("of".to_owned(), json!(self.process));
        line.insert("unit".to_owned(), json!(self.unit));
        let named = [
            ("per_second", self.per_second),
            ("cpu_us", self.cpu_micros),
            ("p50_ms", self.p50),
            ("p99_ms", self.p99),
        ];
        for (name, value) in named.into_iter().chain(self.extra.iter().copied()) {
            line.insert(name.to_owned(), json!((value * 1e3).round() / 1e3));
        }
        Value::Object(line)
    }

    /// Adds the ratio to a limit that was measured in the same run.
    pub(crate) fn with_limit(mut self, name: &'static str, limit: &Self) -> Self {
        self.extra.push((name, self.per_second / limit.per_second));
        self
    }
}

/// Measured latencies.
#[derive(Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn record(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the quantile for this share, in milliseconds.
    pub(crate) fn quantile(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        let at = ((self.0.len() as f64 * share) as usize).min(last);
        self.0.get(at).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }
}

/// Returns the microseconds of `spent` for each of `count`.
pub(crate) fn micros_each(spent: Duration, count: usize) -> f64 {
    spent.as_secs_f64() * 1e6 / count as f64
}

pub(crate) fn print_table(all: &[LoadFigures]) {
    println!(
        "\n{:<22} {:<12} {:>10} {:<12} {:>9} {:>9} {:>9}  more",
        "scenario", "of", "a second", "", "CPU us", "p50 ms", "p99 ms"
    );
    for found in all {
        let more = found.extra.iter();
        let more: Vec<String> = more
            .map(|(name, value)| format!("{name} {value:.2}"))
            .collect();
        println!(
            "{:<22} {:<12} {:>10.0} {:<12} {:>9.2} {:>9.2} {:>9.2}  {}",
            found.scenario,
            found.process,
            found.per_second,
            found.unit,
            found.cpu_micros,
            found.p50,
            found.p99,
            more.join(", ")
        );
    }
}
