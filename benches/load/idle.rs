//! Idle sockets: the cost of opening one, and of keeping it open. Each socket
//! belongs to a different user, who sees one other user go online.

use std::time::{Duration, Instant};

use super::crowd;
use super::figures::{LoadFigures, micros_each};
use super::process::LoadProcess;
use super::sizes::LoadSizes;
use super::world::LoadWorld;

/// Handshakes in progress at once.
const OPENING_AT_ONCE: usize = 64;

pub(crate) async fn run(sizes: &LoadSizes) -> Vec<LoadFigures> {
    let mut found = Vec::new();
    for sockets in sizes.idle.iter().copied() {
        let world = LoadWorld::with_pairs(sockets / 2).await;
        let tokens: Vec<String> = (1..=sockets).map(|person| world.token(person)).collect();
        let limit = measure(&LoadProcess::start_relay().await, tokens.clone()).await;
        let ours = measure(&LoadProcess::start_server(&world).await, tokens).await;
        let ours = ours.with_limit("of relay", &limit);
        found.extend([limit, ours]);
    }
    found
}

async fn measure(process: &LoadProcess, tokens: Vec<String>) -> LoadFigures {
    let count = tokens.len();
    let (rss, cpu, start) = (process.rss(), process.cpu(), Instant::now());
    let (open, mut latencies) =
        crowd::open_sockets(process.address(), tokens, OPENING_AT_ONCE).await;
    let took = start.elapsed();
    // Presence collects changes before it writes and sends them; that is part
    // of the cost of a connect.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = process.cpu() - cpu;
    let kept = process.rss() - rss;
    let before = process.cpu();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = (process.cpu() - before).as_secs_f64() / 2.0;
    drop(open);
    LoadFigures {
        scenario: format!("idle-{count}"),
        process: process.name,
        unit: "connects",
        per_second: count as f64 / took.as_secs_f64(),
        cpu_micros: micros_each(spent, count),
        p50: latencies.quantile(0.5),
        p99: latencies.quantile(0.99),
        extra: vec![
            ("KB a socket", kept as f64 / count as f64),
            ("% CPU at rest", idle * 100.0),
        ],
    }
}
