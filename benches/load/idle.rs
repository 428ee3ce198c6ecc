//! Sockets that do nothing: what it costs to open one, and to keep it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Figures;
use super::people::Pair;
use super::server::Server;
use super::wire::Wire;

/// Handshakes under way at once.
const AT_ONCE: usize = 32;

pub(crate) async fn run(
    scenario: &'static str,
    server: &Server,
    pairs: &[Pair],
    sockets: usize,
) -> Figures {
    let tokens: Rc<[String]> = pairs.iter().flat_map(|pair| pair.tokens.clone()).collect();
    let (address, rss, cpu) = (server.address(), server.rss(), server.cpu());
    let next = Rc::new(Cell::new(0));
    let start = Instant::now();
    let mut opening = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, tokens) = (Rc::clone(&next), Rc::clone(&tokens));
        opening.spawn_local(async move {
            let (mut open, mut latencies) = (Vec::new(), Vec::new());
            while next.get() < sockets {
                let token = &tokens[next.get() % tokens.len()];
                next.set(next.get() + 1);
                let before = Instant::now();
                open.push(Wire::open_said_hello(address, "/ws/", token).await);
                latencies.push(before.elapsed());
            }
            (open, latencies)
        });
    }
    let (mut open, mut latencies) = (Vec::new(), Vec::new());
    for (some, times) in opening.join_all().await {
        open.extend(some);
        latencies.extend(times);
    }
    let took = start.elapsed();
    let spent = server.cpu() - cpu;
    // Presence gathers, then writes; that belongs to having come.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = server.rss();
    let count = open.len() as f64;
    latencies.sort_unstable();
    let at = |share: f64| latencies[(count * share) as usize].as_secs_f64() * 1e3;
    Figures {
        scenario,
        per_second: count / took.as_secs_f64(),
        cpu_micros: spent.as_secs_f64() * 1e6 / count,
        p50: at(0.5),
        p99: at(0.99),
        rss: after,
        rss_per_socket: Some((after - rss) as f64 / count),
    }
}
