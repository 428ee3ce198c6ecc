//! What was found: a JSON line each, and a table in the end.

use std::time::Duration;

use serde_json::{Map, Value, json};

#[derive(Clone, Default)]
pub(crate) struct Figures {
    pub(crate) scenario: String,
    /// What was measured: `tidings`, or one of the limits.
    pub(crate) of: &'static str,
    /// What is counted: messages, deliveries, connects, pages …
    pub(crate) unit: &'static str,
    pub(crate) per_second: f64,
    /// Processor time of the measured process for each, in microseconds.
    pub(crate) cpu_micros: f64,
    /// In milliseconds: half and 99 in 100 took at most so long.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// What else there is to say, by name.
    pub(crate) more: Vec<(&'static str, f64)>,
}

impl Figures {
    pub(crate) fn json(&self) -> Value {
        let mut line = Map::new();
        line.insert("scenario".to_owned(), json!(self.scenario));
        line.insert("of".to_owned(), json!(self.of));
        line.insert("unit".to_owned(), json!(self.unit));
        let named = [
            ("per_second", self.per_second),
            ("cpu_us", self.cpu_micros),
            ("p50_ms", self.p50),
            ("p99_ms", self.p99),
        ];
        for (name, value) in named.into_iter().chain(self.more.iter().copied()) {
            line.insert(name.to_owned(), json!((value * 1e3).round() / 1e3));
        }
        Value::Object(line)
    }

    /// Adds how this stands to a limit that was measured beside it.
    pub(crate) fn against(mut self, name: &'static str, limit: &Self) -> Self {
        self.more.push((name, self.per_second / limit.per_second));
        self
    }
}

/// How long things took.
#[derive(Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How long it took, at most, for this share of them; milliseconds.
    pub(crate) fn at(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        let at = ((self.0.len() as f64 * share) as usize).min(last);
        self.0.get(at).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }
}

/// Microseconds of `spent` for each of `count`.
pub(crate) fn each(spent: Duration, count: usize) -> f64 {
    spent.as_secs_f64() * 1e6 / count as f64
}

pub(crate) fn table(all: &[Figures]) {
    println!(
        "\n{:<22} {:<12} {:>10} {:<12} {:>9} {:>9} {:>9}  more",
        "scenario", "of", "a second", "", "CPU us", "p50 ms", "p99 ms"
    );
    for found in all {
        let more = found.more.iter();
        let more: Vec<String> = more
            .map(|(name, value)| format!("{name} {value:.2}"))
            .collect();
        println!(
            "{:<22} {:<12} {:>10.0} {:<12} {:>9.2} {:>9.2} {:>9.2}  {}",
            found.scenario,
            found.of,
            found.per_second,
            found.unit,
            found.cpu_micros,
            found.p50,
            found.p99,
            more.join(", ")
        );
    }
}
