//! Opens the sockets of many users, a fixed number at a time.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use tokio::task::JoinSet;

use super::figures::Latencies;
use super::load_socket::LoadSocket;

/// Opens a socket with each token and waits for its `hello`. Returns the
/// sockets in the order of the tokens, and the latencies.
pub(crate) async fn open_sockets(
    address: SocketAddr,
    tokens: Vec<String>,
    at_once: usize,
) -> (Vec<LoadSocket>, Latencies) {
    let tokens: Rc<[String]> = tokens.into();
    let next = Rc::new(Cell::new(0));
    let mut opening = JoinSet::new();
    for _ in 0..at_once {
        let (next, tokens) = (Rc::clone(&next), Rc::clone(&tokens));
        opening.spawn_local(async move {
            let (mut open, mut latencies) = (Vec::new(), Latencies::default());
            while let Some(token) = tokens.get(next.get()) {
                let at = next.replace(next.get() + 1);
                let before = Instant::now();
                let mut wire = LoadSocket::open(address, "/ws/", token).await;
                wire.read_hello().await;
                latencies.record(before.elapsed());
                open.push((at, wire));
            }
            (open, latencies)
        });
    }
    let (mut open, mut latencies) = (Vec::new(), Latencies::default());
    for (some, times) in opening.join_all().await {
        open.extend(some);
        latencies.extend(times);
    }
    open.sort_by_key(|(at, _)| *at);
    (open.into_iter().map(|(_, wire)| wire).collect(), latencies)
}
