//! Presence: online status, and the users it is sent to.
//!
//! To show that a status isn't sent, a test waits for a later one. Statuses are
//! sent in order, so an unexpected one would arrive before it.

mod acquaintances;
mod bound;
mod contacts;
mod counting;
mod crowd;
mod frames;
mod restarts;
mod rooms;
mod sessions;

use std::time::Duration;

use crate::support::{TestApp, TestSocket};

/// Starts a server on which users are offline as soon as their last socket
/// closes.
async fn without_grace() -> TestApp {
    with_grace(Duration::ZERO).await
}

async fn with_grace(grace: Duration) -> TestApp {
    let app = TestApp::builder();
    let app = app.settings(move |settings| settings.timings.presence_grace = grace);
    app.spawn().await
}

/// Returns the users whose statuses a socket receives up to and including
/// `last`: `+ann` for online, `-ann` for offline.
async fn statuses_until(socket: &mut TestSocket, last: &str) -> Vec<String> {
    let mut statuses = Vec::new();
    loop {
        let status = socket.expect_status().await;
        let sign = if status["is_online"] == true {
            "+"
        } else {
            "-"
        };
        statuses.push(format!("{sign}{}", status["username"].as_str().unwrap()));
        if statuses.last().is_some_and(|name| name == last) {
            return statuses;
        }
    }
}
