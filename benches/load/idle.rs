//! Sockets that do nothing: what it costs to open one, and to keep it. Each is
//! somebody else's, who is told of one other who comes.

use std::time::{Duration, Instant};

use super::crowd;
use super::figures::{Figures, each};
use super::process::Process;
use super::sizes::Sizes;
use super::world::World;

/// Handshakes under way at once.
const AT_ONCE: usize = 64;

pub(crate) async fn run(sizes: &Sizes) -> Vec<Figures> {
    let mut found = Vec::new();
    for sockets in sizes.idle.iter().copied() {
        let world = World::of_pairs(sockets / 2).await;
        let tokens: Vec<String> = (1..=sockets).map(|person| world.token(person)).collect();
        let limit = measure(&Process::relay().await, tokens.clone()).await;
        let ours = measure(&Process::tidings(&world).await, tokens).await;
        let ours = ours.against("of relay", &limit);
        found.extend([limit, ours]);
    }
    found
}

async fn measure(process: &Process, tokens: Vec<String>) -> Figures {
    let count = tokens.len();
    let (rss, cpu, start) = (process.rss(), process.cpu(), Instant::now());
    let (open, mut latencies) = crowd::open(process.address(), tokens, AT_ONCE).await;
    let took = start.elapsed();
    // Presence gathers, then writes and tells; that belongs to having come.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = process.cpu() - cpu;
    let kept = process.rss() - rss;
    let before = process.cpu();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = (process.cpu() - before).as_secs_f64() / 2.0;
    drop(open);
    Figures {
        scenario: format!("idle-{count}"),
        of: process.name,
        unit: "connects",
        per_second: count as f64 / took.as_secs_f64(),
        cpu_micros: each(spent, count),
        p50: latencies.at(0.5),
        p99: latencies.at(0.99),
        more: vec![
            ("KB a socket", kept as f64 / count as f64),
            ("% CPU at rest", idle * 100.0),
        ],
    }
}
