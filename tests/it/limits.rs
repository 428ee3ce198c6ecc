//! How much each may ask for, what is no name, and what is no password.
//!
//! The limits here fill by nothing while a test runs, so that what is refused
//! can be counted.

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

use tidings::config::{Rate, Rates};

use crate::support::{Answer, TestApp};

/// So many at once, and none after.
fn only(burst: u32) -> Option<Rate> {
    Some(Rate {
        burst: NonZeroU32::new(burst).unwrap(),
        each: Duration::from_secs(3600),
    })
}

/// A server with these limits alone.
async fn limited(rates: Rates) -> TestApp {
    TestApp::builder()
        .settings(|settings| settings.rates = rates)
        .spawn()
        .await
}

/// How an answer says that one stands: the most at once, and how much of that
/// is left.
fn standing(answer: &Answer) -> [Option<&str>; 2] {
    ["limit", "remaining"].map(|name| answer.header(&format!("ratelimit-{name}")))
}

/// So many seconds, less those that a test may take.
#[track_caller]
fn assert_about(seconds: u64, told: Option<&str>) {
    let told = told.map(|it| it.parse::<u64>().unwrap());
    let is_it = told.is_some_and(|told| told <= seconds && told + 120 > seconds);
    assert!(is_it, "{told:?} and not {seconds}");
}

/// When to come again, and when all is as at first.
#[track_caller]
fn assert_waits(answer: &Answer, seconds: u64, all: u64) {
    assert_about(seconds, answer.header("retry-after"));
    assert_about(all, answer.header("ratelimit-reset"));
}
