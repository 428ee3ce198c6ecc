//! The sizes of the scenarios.

use std::time::Duration;

pub(crate) struct LoadSizes {
    /// The duration of a measurement.
    pub(crate) span: Duration,
    /// The duration of the load before the measurement.
    pub(crate) warm_up: Duration,
    pub(crate) pairs: usize,
    pub(crate) rooms: Vec<usize>,
    pub(crate) idle: Vec<usize>,
    /// The number of messages in each history.
    pub(crate) history: Vec<usize>,
    /// The number of conversations in the list.
    pub(crate) list: usize,
    pub(crate) storm: usize,
    /// The number of rooms of 50 in the mixed load.
    pub(crate) mixed: usize,
    /// The numbers of conversations in the database.
    pub(crate) stored: Vec<usize>,
}

impl LoadSizes {
    pub(crate) fn from_arguments(words: &[String]) -> Self {
        let said = |wanted: &str| words.iter().any(|word| word == wanted);
        // Cargo passes `--bench` for a measurement. In a test, the harness only
        // has to finish.
        let mut sizes = match (said("--bench"), said("quick")) {
            (false, _) => tiny_sizes(),
            (true, true) => quick_sizes(),
            (true, false) => full_sizes(),
        };
        let seconds = words.iter().find_map(|word| word.strip_prefix("seconds="));
        if let Some(seconds) = seconds {
            sizes.span = Duration::from_secs(seconds.parse().unwrap());
        }
        sizes
    }
}

fn full_sizes() -> LoadSizes {
    LoadSizes {
        span: Duration::from_secs(6),
        warm_up: Duration::from_secs(1),
        pairs: 50,
        rooms: vec![50, 500, 1_000],
        idle: vec![2_000, 10_000],
        history: vec![1_000, 100_000, 1_000_000],
        list: 500,
        storm: 5_000,
        mixed: 20,
        stored: vec![10, 1_000, 100_000],
    }
}

fn quick_sizes() -> LoadSizes {
    LoadSizes {
        span: Duration::from_secs(2),
        warm_up: Duration::from_millis(500),
        pairs: 50,
        rooms: vec![50, 200],
        idle: vec![1_000],
        history: vec![1_000, 20_000],
        list: 500,
        storm: 1_000,
        mixed: 5,
        stored: vec![10, 1_000],
    }
}

fn tiny_sizes() -> LoadSizes {
    LoadSizes {
        span: Duration::from_millis(100),
        warm_up: Duration::from_millis(50),
        pairs: 4,
        rooms: vec![5],
        idle: vec![20],
        history: vec![200],
        list: 20,
        storm: 100,
        mixed: 1,
        stored: vec![10, 20],
    }
}
