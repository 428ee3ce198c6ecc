//! How much each may ask for, what is no name, and what is no password.
//!
//! The limits here fill by nothing while a test runs, so that what is refused
//! can be counted.

mod hashing;
mod logins;
mod names;
mod passwords;
mod requests;
mod sockets;

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

/// How an answer says that one stands: the most at once, how much of that is
/// left, and until all is.
fn standing(answer: &Answer) -> [Option<&str>; 3] {
    ["limit", "remaining", "reset"].map(|name| answer.header(&format!("ratelimit-{name}")))
}
