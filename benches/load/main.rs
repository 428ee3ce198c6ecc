//! The load harness: the release server as a child process, on a free port
//! and a folder of its own, driven over real sockets from one thread.
//!
//! `cargo bench --bench load` runs it all, in about a minute. Names after
//! `--` choose scenarios (`pairs-1`, `pairs-8`, `paced`, `idle`), `seconds=N`
//! says how long each is measured. Every message is checked to arrive exactly
//! once and in order on both sides, so a figure here is also a test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that can't go on should stop where it is, and says what it measures"
)]

mod idle;
mod pairs;
mod people;
mod server;
mod wire;

use std::time::Duration;

use serde_json::json;
use tokio::task::LocalSet;

use pairs::{Load, Pace};
use people::Pair;
use server::Server;

/// What a scenario found.
struct Figures {
    scenario: &'static str,
    /// Messages, or connects.
    per_second: f64,
    /// Of the server, for each of them.
    cpu_micros: f64,
    /// Milliseconds, where there are any: half and 99 in 100 are at most these.
    p50: f64,
    p99: f64,
    /// Of the server, afterwards; kilobytes.
    rss: u64,
    /// Kilobytes for each open socket, where that is what is asked.
    rss_per_socket: Option<f64>,
}

impl Figures {
    fn print(&self) {
        let line = json!({
            "scenario": self.scenario,
            "per_second": self.per_second.round(),
            "cpu_micros": (self.cpu_micros * 10.0).round() / 10.0,
            "p50_ms": self.p50,
            "p99_ms": self.p99,
            "rss_kb": self.rss,
            "rss_per_socket_kb": self.rss_per_socket,
        });
        println!("{line}");
    }

    fn row(&self) -> String {
        let per_socket = self
            .rss_per_socket
            .map_or(String::new(), |kb| format!("{kb:.1} KB"));
        format!(
            "{:<10} {:>10.0} {:>12.1} {:>9.2} {:>9.2} {:>9} {:>11}",
            self.scenario,
            self.per_second,
            self.cpu_micros,
            self.p50,
            self.p99,
            self.rss,
            per_socket
        )
    }
}

const SCENARIOS: [&str; 4] = ["pairs-1", "pairs-8", "paced", "idle"];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let seconds = asked.iter().find_map(|word| word.strip_prefix("seconds="));
    let span = Duration::from_secs(seconds.map_or(8, |number| number.parse().unwrap()));
    let chosen = |name: &&str| {
        let mut named = asked
            .iter()
            .filter(|word| SCENARIOS.contains(&word.as_str()));
        named.clone().next().is_none() || named.any(|word| word == name)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let figures = LocalSet::new().block_on(&runtime, async {
        let server = Server::start().await;
        let pairs = people::pairs(server.address(), 50).await;
        let mut figures = Vec::new();
        for name in SCENARIOS.iter().filter(|name| chosen(name)) {
            let found = run(name, &server, &pairs, span).await;
            found.print();
            figures.push(found);
        }
        figures
    });
    println!(
        "\n{:<10} {:>10} {:>12} {:>9} {:>9} {:>9} {:>11}",
        "scenario", "a second", "CPU us each", "p50 ms", "p99 ms", "RSS KB", "a socket"
    );
    for found in figures {
        println!("{}", found.row());
    }
}

async fn run(name: &'static str, server: &Server, pairs: &[Pair], span: Duration) -> Figures {
    let pace = match name {
        "pairs-1" => Pace::Window(1),
        "pairs-8" => Pace::Window(8),
        // 50 pairs, each 4 times a second.
        "paced" => Pace::Every(Duration::from_millis(250)),
        _ => return idle::run(name, server, pairs, 2_000).await,
    };
    pairs::run(name, server, Load { pairs, pace, span }).await
}
