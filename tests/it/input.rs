//! Whatever comes in: the server answers, never with a fault of its own, tells
//! nothing of its inside, and goes on.
//!
//! The routes are those of the table of doors. What was worth keeping stands
//! in `corpus`, and is sent again every time. `TIDINGS_INPUT_CASES` says how
//! many more are made up; `TIDINGS_INPUT_SEED`, a number, which ones.

mod corpus;
mod frames;
mod http;
mod packed;
mod rest;
mod words;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Enough to notice; a long run takes its own.
const CASES: u32 = 400;

#[expect(clippy::disallowed_methods, reason = "knobs for longer runs")]
fn knob(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap())
}

/// What makes cases up, and makes those that fail smaller.
fn runner() -> TestRunner {
    let cases = knob("TIDINGS_INPUT_CASES").map_or(CASES, |cases| cases.try_into().unwrap());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        // Answers that don't come take their time.
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let Some(seed) = knob("TIDINGS_INPUT_SEED") else {
        return TestRunner::new(config);
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// What no answer has in it: words of what is inside.
fn tells_of_the_inside(text: &str) -> Option<&'static str> {
    const INSIDE: [&str; 30] = [
        "sqlx",
        "sea_orm",
        "SeaORM",
        "DbErr",
        "SQLite",
        "sqlite",
        "Postgres",
        "SQLSTATE",
        "panicked",
        "unwrap",
        "src/",
        ".rs:",
        " at line ",
        "RuntimeErr",
        "tokio",
        "actix",
        "serde",
        "invalid type",
        "invalid value",
        "invalid length",
        "invalid digit",
        "missing field",
        "duplicate field",
        "unknown variant",
        "unknown field",
        ", expected ",
        "to fit in target type",
        "trailing characters",
        "Access-Control-",
        "Request header",
    ];
    INSIDE.into_iter().find(|word| text.contains(word))
}
