//! A slow network between a proxy and its server: it delays bytes and the
//! closing of connections.

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

/// Forwards connections to a server and delays each byte by `latency`.
pub(crate) struct LatencyProxy {
    address: SocketAddr,
    ends: UnboundedReceiver<ClosingSide>,
}

/// The side that closed a connection first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosingSide {
    Client,
    Server,
}

impl LatencyProxy {
    pub(crate) async fn in_front_of(server: SocketAddr, latency: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ended, ends) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let ways = [
                    (from_client, to_server, ClosingSide::Client),
                    (from_server, to_client, ClosingSide::Server),
                ];
                // The other side closes later, in response to the first close.
                // Only the first one is reported.
                let has_ended = Arc::new(AtomicBool::new(false));
                for (from, to, side) in ways {
                    let (sent, arriving) = mpsc::unbounded_channel();
                    let first = (ended.clone(), Arc::clone(&has_ended), side);
                    tokio::spawn(read_delayed(from, (sent, latency), first));
                    tokio::spawn(write_delayed(to, arriving));
                }
            }
        });
        Self { address, ends }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a side closes a connection. The other side sees the close
    /// only after the latency.
    pub(crate) async fn wait_for_close(&mut self) -> ClosingSide {
        let end = within("a connection to be closed", self.ends.recv()).await;
        end.unwrap()
    }
}

type DelayedBytes = (Instant, Vec<u8>);

async fn read_delayed(
    mut from: OwnedReadHalf,
    (sent, latency): (UnboundedSender<DelayedBytes>, Duration),
    (ended, has_ended, side): (UnboundedSender<ClosingSide>, Arc<AtomicBool>, ClosingSide),
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut bytes).await.unwrap_or(0);
        if length == 0 && !has_ended.swap(true, Ordering::SeqCst) {
            // The test may have ended.
            let _ = ended.send(side);
        }
        // An empty chunk marks the end.
        let chunk = bytes[..length].to_vec();
        if sent.send((Instant::now() + latency, chunk)).is_err() || length == 0 {
            return;
        }
    }
}

async fn write_delayed(mut to: OwnedWriteHalf, mut arriving: UnboundedReceiver<DelayedBytes>) {
    while let Some((at, chunk)) = arriving.recv().await {
        sleep_until(at).await;
        if chunk.is_empty() || to.write_all(&chunk).await.is_err() {
            return;
        }
    }
}
