//! Hostile input: the server answers every request and frame without a fault of
//! its own, reveals no internals, and continues.
//!
//! The routes are read from the sources of `web`. Cases worth keeping are in
//! `corpus` and are sent in every run. `TIDINGS_INPUT_CASES` sets the number of
//! generated cases, `TIDINGS_INPUT_SEED` their seed.

mod compressed_bodies;
mod corpus;
mod frames;
mod http;
mod rest;
mod words;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Default number of generated cases.
const CASES: u32 = 400;

#[expect(clippy::disallowed_methods, reason = "configures longer runs")]
fn knob(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap())
}

/// Returns the runner that generates cases and shrinks failing ones.
fn runner() -> TestRunner {
    let cases = knob("TIDINGS_INPUT_CASES").map_or(CASES, |cases| cases.try_into().unwrap());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        // A missing response takes until its timeout.
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

/// Returns the first word in `text` that reveals internals, if any.
fn leaked_internal(text: &str) -> Option<&'static str> {
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
