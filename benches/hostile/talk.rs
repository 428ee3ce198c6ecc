//! Pairs of users that talk at an even pace, to measure the latency of their
//! echoes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::accounts::UserPair;

/// The time between two messages of a pair.
const SEND_EVERY: Duration = Duration::from_millis(100);

pub(crate) type HostileSocket = WebSocketStream<TcpStream>;

/// Lets the pairs talk. Returns the 99th percentile of the latency of their
/// echoes, in milliseconds.
pub(crate) async fn measure_pairs(address: SocketAddr, pairs: &[UserPair], span: Duration) -> f64 {
    let mut talking = JoinSet::new();
    for (pair, at) in pairs.iter().zip(0..) {
        let (sender, receiver) = (open(address, pair, 0).await, open(address, pair, 1).await);
        let after = SEND_EVERY * at / u32::try_from(pairs.len()).unwrap();
        talking.spawn_local(send_messages(sender, after, span));
        talking.spawn_local(receive_messages(receiver, span));
    }
    let mut all: Vec<f64> = talking.join_all().await.concat();
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() * 99 / 100]
}

/// Opens a socket of one user of a pair, bound to their conversation.
pub(crate) async fn open(address: SocketAddr, pair: &UserPair, side: usize) -> HostileSocket {
    let path = format!("/ws/chat/{}/", pair.conversation);
    open_at(address, &path, &pair.tokens[side]).await
}

/// Opens a socket for all conversations of a user.
pub(crate) async fn open_unbound(address: SocketAddr, token: &str) -> HostileSocket {
    open_at(address, "/ws/", token).await
}

async fn open_at(address: SocketAddr, path: &str, token: &str) -> HostileSocket {
    let url = format!("ws://{address}{path}?token={token}");
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = url.into_client_request().unwrap();
    let opened = tokio_tungstenite::client_async(request, stream).await;
    opened.unwrap().0
}

async fn send_messages(mut socket: HostileSocket, after: Duration, span: Duration) -> Vec<f64> {
    let start = Instant::now();
    let mut found = Vec::new();
    let mut ticks = tokio::time::interval_at((start + after).into(), SEND_EVERY);
    while start.elapsed() < span {
        ticks.tick().await;
        let name = format!("{:?}-{}", start, found.len());
        let said = json!({ "type": "message", "client_id": name, "message": "Shall we meet?" });
        let sent = Instant::now();
        socket.send(Message::text(said.to_string())).await.unwrap();
        loop {
            let frame = socket.next().await.unwrap().unwrap();
            if frame.is_text() && frame.to_text().unwrap().contains(&name) {
                break;
            }
        }
        found.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    found
}

async fn receive_messages(mut socket: HostileSocket, span: Duration) -> Vec<f64> {
    let all = async { while socket.next().await.is_some() {} };
    let _ = tokio::time::timeout(span, all).await;
    Vec::new()
}
