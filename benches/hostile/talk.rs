//! Pairs who talk at an even pace: how long they wait for their echoes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::people::Pair;

/// Between two messages of a pair.
const GAP: Duration = Duration::from_millis(100);

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// The milliseconds that 99 of 100 echoes take at most.
pub(crate) async fn listen(address: SocketAddr, pairs: &[Pair], span: Duration) -> f64 {
    let mut talking = JoinSet::new();
    for (pair, at) in pairs.iter().zip(0..) {
        let (speaks, hears) = (open(address, pair, 0).await, open(address, pair, 1).await);
        let after = GAP * at / u32::try_from(pairs.len()).unwrap();
        talking.spawn_local(speak(speaks, after, span));
        talking.spawn_local(hear(hears, span));
    }
    let mut all: Vec<f64> = talking.join_all().await.concat();
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() * 99 / 100]
}

/// A socket of one of a pair, bound to their conversation.
pub(crate) async fn open(address: SocketAddr, pair: &Pair, side: usize) -> Socket {
    let path = format!("/ws/chat/{}/", pair.conversation);
    open_at(address, &path, &pair.tokens[side]).await
}

/// A socket of all that a user has.
pub(crate) async fn open_unbound(address: SocketAddr, token: &str) -> Socket {
    open_at(address, "/ws/", token).await
}

async fn open_at(address: SocketAddr, path: &str, token: &str) -> Socket {
    let url = format!("ws://{address}{path}?token={token}");
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = url.into_client_request().unwrap();
    let opened = tokio_tungstenite::client_async(request, stream).await;
    opened.unwrap().0
}

async fn speak(mut socket: Socket, after: Duration, span: Duration) -> Vec<f64> {
    let start = Instant::now();
    let mut found = Vec::new();
    let mut ticks = tokio::time::interval_at((start + after).into(), GAP);
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

async fn hear(mut socket: Socket, span: Duration) -> Vec<f64> {
    let all = async { while socket.next().await.is_some() {} };
    let _ = tokio::time::timeout(span, all).await;
    Vec::new()
}
