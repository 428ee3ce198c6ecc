//! Who is here, and who is told.
//!
//! That something is not told is shown by what is told after it: statuses are
//! told in the order in which they came to be, so whatever had been told would
//! stand before.

mod acquaintances;
mod bound;
mod counting;
mod crowd;
mod frames;
mod restarts;
mod rooms;
mod sessions;
mod told;

use std::time::Duration;

use crate::support::{Socket, TestApp};

/// A server on which people are offline as soon as their last socket is gone.
async fn without_grace() -> TestApp {
    with_grace(Duration::ZERO).await
}

async fn with_grace(grace: Duration) -> TestApp {
    let app = TestApp::builder();
    let app = app.settings(move |settings| settings.timings.presence_grace = grace);
    app.spawn().await
}

/// Of whom a socket is told until it is told that this one came (or went),
/// themself included: `+ann` for who came, `-ann` for who went.
async fn heard_until(socket: &mut Socket, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let status = socket.expect_status().await;
        let sign = if status["is_online"] == true {
            "+"
        } else {
            "-"
        };
        heard.push(format!("{sign}{}", status["username"].as_str().unwrap()));
        if heard.last().is_some_and(|name| name == last) {
            return heard;
        }
    }
}
