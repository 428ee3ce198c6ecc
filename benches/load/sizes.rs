//! How much of everything.

use std::time::Duration;

pub(crate) struct Sizes {
    /// How long what goes on is measured.
    pub(crate) span: Duration,
    /// How long it goes on before that.
    pub(crate) warm_up: Duration,
    pub(crate) pairs: usize,
    pub(crate) rooms: Vec<usize>,
    pub(crate) idle: Vec<usize>,
    /// Messages in a conversation.
    pub(crate) history: Vec<usize>,
    /// Conversations in a list.
    pub(crate) list: usize,
    pub(crate) storm: usize,
    /// Rooms of 50 in which everything goes on.
    pub(crate) mixed: usize,
    /// Conversations in the database.
    pub(crate) stored: Vec<usize>,
}

impl Sizes {
    pub(crate) fn asked(words: &[String]) -> Self {
        let said = |wanted: &str| words.iter().any(|word| word == wanted);
        // Cargo says `--bench` where it is to measure. Where it tests, the
        // harness has only to come to its end.
        let mut sizes = match (said("--bench"), said("quick")) {
            (false, _) => tiny(),
            (true, true) => quick(),
            (true, false) => whole(),
        };
        let seconds = words.iter().find_map(|word| word.strip_prefix("seconds="));
        if let Some(seconds) = seconds {
            sizes.span = Duration::from_secs(seconds.parse().unwrap());
        }
        sizes
    }
}

fn whole() -> Sizes {
    Sizes {
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

fn quick() -> Sizes {
    Sizes {
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

fn tiny() -> Sizes {
    Sizes {
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
