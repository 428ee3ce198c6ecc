//! Rate limits, storage limits, and refused names and passwords.
//!
//! The limits here don't refill while a test runs, so that refusals can be
//! counted.

mod connections;
mod database;
mod groups;
mod hashing;
mod logins;
mod names;
mod passwords;
mod requests;
mod sockets;
mod storage;

use std::num::NonZeroU32;
use std::time::Duration;

use tidings::config::{RateLimit, RateLimits};

use crate::support::{ApiResponse, TestApp};

/// A rate that allows `burst` requests and then one an hour.
fn only(burst: u32) -> Option<RateLimit> {
    Some(RateLimit {
        burst: NonZeroU32::new(burst).unwrap(),
        interval: Duration::from_secs(3600),
    })
}

/// Starts a server with only these limits.
async fn limited(rates: RateLimits) -> TestApp {
    TestApp::builder()
        .settings(|settings| settings.rates = rates)
        .spawn()
        .await
}

/// Returns the headers `ratelimit-limit` and `ratelimit-remaining`.
fn standing(answer: &ApiResponse) -> [Option<&str>; 2] {
    ["limit", "remaining"].map(|name| answer.header(&format!("ratelimit-{name}")))
}

/// Checks that a header has this many seconds, or up to 120 fewer, which the
/// test may have taken.
#[track_caller]
fn assert_about(seconds: u64, told: Option<&str>) {
    let told = told.map(|it| it.parse::<u64>().unwrap());
    let is_it = told.is_some_and(|told| told <= seconds && told + 120 > seconds);
    assert!(is_it, "{told:?} and not {seconds}");
}

/// Checks that `retry-after` is about `seconds` and `ratelimit-reset` about
/// `all`, in seconds.
#[track_caller]
fn assert_waits(answer: &ApiResponse, seconds: u64, all: u64) {
    assert_about(seconds, answer.header("retry-after"));
    assert_about(all, answer.header("ratelimit-reset"));
}
