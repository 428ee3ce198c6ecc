//! A network between a proxy and its server: bytes and ends arrive late.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};

use super::wait::within;

/// Forwards connections to a server; each byte is under way for `latency`.
pub(crate) struct SlowLine {
    address: SocketAddr,
    ends: UnboundedReceiver<LineEnd>,
}

/// Which side closed a connection first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Client,
    Server,
}

impl SlowLine {
    pub(crate) async fn before(server: SocketAddr, latency: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ended, ends) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let ways = [
                    (from_client, to_server, LineEnd::Client),
                    (from_server, to_client, LineEnd::Server),
                ];
                // The other side ends as well, once it has learnt of the first.
                let has_ended = Arc::new(AtomicBool::new(false));
                for (from, to, side) in ways {
                    let (sent, arriving) = mpsc::unbounded_channel();
                    let first = (ended.clone(), Arc::clone(&has_ended), side);
                    tokio::spawn(take(from, (sent, latency), first));
                    tokio::spawn(give(to, arriving));
                }
            }
        });
        Self { address, ends }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a side closes a connection; the other one learns it only
    /// after the latency.
    pub(crate) async fn ended(&mut self) -> LineEnd {
        let end = within("a connection to be closed", self.ends.recv()).await;
        end.unwrap()
    }
}

type Arriving = (Instant, Vec<u8>);

async fn take(
    mut from: OwnedReadHalf,
    (sent, latency): (UnboundedSender<Arriving>, Duration),
    (ended, has_ended, side): (UnboundedSender<LineEnd>, Arc<AtomicBool>, LineEnd),
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut bytes).await.unwrap_or(0);
        if length == 0 && !has_ended.swap(true, Ordering::SeqCst) {
            // The test may be over.
            let _ = ended.send(side);
        }
        // An empty piece is the end.
        let piece = bytes[..length].to_vec();
        if sent.send((Instant::now() + latency, piece)).is_err() || length == 0 {
            return;
        }
    }
}

async fn give(mut to: OwnedWriteHalf, mut arriving: UnboundedReceiver<Arriving>) {
    while let Some((at, piece)) = arriving.recv().await {
        sleep_until(at).await;
        if piece.is_empty() || to.write_all(&piece).await.is_err() {
            return;
        }
    }
}
