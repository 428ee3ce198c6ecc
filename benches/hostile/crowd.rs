//! Crowds of hostile clients.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};
use tokio_tungstenite::tungstenite::Message;

use super::accounts::{PASSWORD, UserPair};
use super::{MEASURED_SPAN, attacks, talk};

/// The time between two bytes of clients that send slowly.
const DRIP_EVERY: Duration = Duration::from_secs(1);
/// The time until a refused or disconnected client tries again.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Length and interval of the messages in the room whose readers stop. They
/// fill all buffers on the way to the readers within seconds.
const TEXT_LENGTH: usize = 9_000;
const SEND_EVERY: Duration = Duration::from_millis(20);

pub(crate) enum AttackCrowd {
    /// Sockets in a busy room whose clients stop reading.
    StopsReading,
    /// Sockets whose clients begin a frame and continue at a byte a second.
    DripsFrames,
    /// Connections whose handshake stops half way.
    HalfOpen,
    /// Connections whose second request arrives at a byte a second.
    DripsRequests,
    /// Sockets of one user that send pings as fast as they can, and reconnect
    /// when they are closed.
    Floods,
    /// Connections on which one user logs in repeatedly.
    LogsIn,
    /// One user edits a message that has many replies.
    Edits,
    /// One user deletes messages in groups full of deleted messages.
    Deletes,
    /// One user in very many groups resumes on all sockets.
    Resumes,
    /// Wrong passwords from many addresses.
    Guesses,
}

impl AttackCrowd {
    pub(crate) const ALL: [Self; 10] = [
        Self::StopsReading,
        Self::DripsFrames,
        Self::HalfOpen,
        Self::DripsRequests,
        Self::Floods,
        Self::LogsIn,
        Self::Edits,
        Self::Deletes,
        Self::Resumes,
        Self::Guesses,
    ];

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::StopsReading => "stops-reading",
            Self::DripsFrames => "drips-frames",
            Self::HalfOpen => "half-open",
            Self::DripsRequests => "drips-requests",
            Self::Floods => "floods",
            Self::LogsIn => "logs-in",
            Self::Edits => "edits",
            Self::Deletes => "deletes",
            Self::Resumes => "resumes",
            Self::Guesses => "guesses",
        }
    }

    pub(crate) fn description(&self) -> &'static str {
        match self {
            Self::StopsReading => "100 readers of a busy room that stop",
            Self::DripsFrames => "300 sockets that send a frame's bytes one a second",
            Self::HalfOpen => "500 handshakes that stop half way",
            Self::DripsRequests => "300 requests that come a byte a second",
            Self::Floods => "20 sockets of one person that say all they can, and come back",
            Self::LogsIn => "100 connections on which one person logs in and in",
            Self::Edits => "edits of a message with 20,000 answers",
            Self::Deletes => "deletions in 3 groups of 200 with 30,000 deleted messages each",
            Self::Resumes => "resumes on 19 sockets of a user in 3,000 groups",
            Self::Guesses => "75 wrong passwords a second from 40 addresses for 20 accounts",
        }
    }

    pub(crate) fn size(&self) -> usize {
        match self {
            Self::StopsReading | Self::LogsIn => 100,
            Self::Floods => 20,
            Self::DripsFrames | Self::DripsRequests => 300,
            Self::HalfOpen => 500,
            Self::Edits | Self::Deletes | Self::Resumes | Self::Guesses => 1,
        }
    }

    /// Returns the rate limits that are off for this crowd, besides those of
    /// the pairs. They are off if the clients of one user represent those of
    /// many.
    pub(crate) fn limits(&self) -> &'static str {
        match self {
            Self::Floods | Self::LogsIn | Self::Resumes | Self::Guesses => "",
            Self::Edits | Self::Deletes => "",
            _ => ",requests=off,sockets=off",
        }
    }

    /// Returns the earliest time at which the server may have evicted the whole
    /// crowd.
    pub(crate) fn duration(&self) -> Duration {
        match self {
            Self::StopsReading | Self::DripsFrames => MEASURED_SPAN / 2,
            Self::HalfOpen | Self::DripsRequests => MEASURED_SPAN / 2,
            _ => MEASURED_SPAN,
        }
    }

    /// Returns the statements that prepare the database for this crowd.
    pub(crate) fn stored_rows(&self, target: &UserPair) -> Vec<String> {
        match self {
            Self::Edits => attacks::answer_rows_for(target),
            Self::Deletes => attacks::deleted_rows_for(target),
            Self::Resumes => attacks::group_rows_for(target),
            _ => Vec::new(),
        }
    }

    /// Starts all clients. They run until the returned set is dropped.
    pub(crate) async fn start(&self, address: SocketAddr, target: &UserPair) -> JoinSet<()> {
        let mut there = JoinSet::new();
        for _ in 0..self.size() {
            match self {
                Self::StopsReading => {
                    let stream = shake_hands(address, target).await;
                    there.spawn_local(hold_open(stream));
                }
                Self::DripsFrames => {
                    let mut stream = shake_hands(address, target).await;
                    // A text frame of 100,000 bytes, masked with zeroes.
                    let head = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x86, 0xa0, 0, 0, 0, 0];
                    stream.write_all(&head).await.unwrap();
                    there.spawn_local(drip_bytes(stream));
                }
                Self::HalfOpen => {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let head = b"GET /ws/ HTTP/1.1\r\nHost: here\r\nUpgrade: webso";
                    stream.write_all(head).await.unwrap();
                    there.spawn_local(hold_open(stream));
                }
                Self::DripsRequests => {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let heads = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n\
                        GET /healthz HTTP/1.1\r\nHost: here\r\nNever: ";
                    stream.write_all(heads).await.unwrap();
                    there.spawn_local(drip_bytes(stream));
                }
                Self::Floods => {
                    let stream = shake_hands(address, target).await;
                    there.spawn_local(flood_repeatedly(address, target.clone(), stream));
                }
                Self::LogsIn => {
                    let stream = TcpStream::connect(address).await.unwrap();
                    there.spawn_local(log_in(stream));
                }
                Self::Edits => {
                    drop(there.spawn_local(attacks::edit_repeatedly(address, target.clone())))
                }
                Self::Deletes => {
                    there.spawn_local(attacks::delete_repeatedly(address, target.clone()));
                }
                Self::Resumes => {
                    there.spawn_local(attacks::resume_repeatedly(address, target.clone()));
                }
                Self::Guesses => drop(there.spawn_local(attacks::guess_passwords(address))),
            }
        }
        if let Self::StopsReading = self {
            there.spawn_local(keep_talking(talk::open(address, target, 0).await));
        }
        there
    }
}

/// Sends a handshake and reads nothing. The receive buffer of the connection
/// has a few KB.
async fn shake_hands(address: SocketAddr, target: &UserPair) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let (id, token) = (target.conversation, &target.tokens[1]);
    let request = format!(
        "GET /ws/chat/{id}/ HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Keeps the connection open without reading.
async fn hold_open(stream: TcpStream) {
    std::future::pending::<()>().await;
    drop(stream);
}

async fn drip_bytes(mut stream: TcpStream) {
    let mut ticks = interval(DRIP_EVERY);
    loop {
        ticks.tick().await;
        if stream.write_all(b"x").await.is_err() {
            return hold_open(stream).await;
        }
    }
}

/// Floods, and reconnects when the server closes the socket.
async fn flood_repeatedly(address: SocketAddr, target: UserPair, mut stream: TcpStream) {
    let start = Instant::now();
    while start.elapsed() < MEASURED_SPAN {
        flood(stream).await;
        sleep(RETRY_AFTER).await;
        stream = shake_hands(address, &target).await;
    }
}

/// Sends pings as fast as the connection accepts them, and reads the answers.
async fn flood(stream: TcpStream) {
    let (mut answers, mut asks) = stream.into_split();
    // Masked with zeroes.
    let ping = b"\x81\x8f\0\0\0\0{\"type\":\"ping\"}";
    let pings = ping.repeat(100);
    let say = async { while asks.write_all(&pings).await.is_ok() {} };
    let mut sink = tokio::io::sink();
    let hear = tokio::io::copy(&mut answers, &mut sink);
    tokio::select! {
        () = say => {}
        _ = hear => {}
    }
}

/// Logs in with the right password as often as possible.
async fn log_in(mut stream: TcpStream) {
    let body = json!({ "username": "left0", "password": PASSWORD }).to_string();
    let request = format!(
        "POST /api/auth/login/ HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = vec![0; 16 * 1024];
    let start = Instant::now();
    while start.elapsed() < MEASURED_SPAN {
        if stream.write_all(request.as_bytes()).await.is_err() {
            return;
        }
        // A short response arrives in one read.
        match stream.read(&mut answer).await {
            Ok(0) | Err(_) => return,
            Ok(read) if answer[..read].starts_with(b"HTTP/1.1 200") => {}
            Ok(_) => sleep(RETRY_AFTER).await,
        }
    }
    hold_open(stream).await;
}

/// Sends long messages, and reads everything.
async fn keep_talking(socket: talk::HostileSocket) {
    let (mut sink, mut stream) = socket.split();
    let text = "x".repeat(TEXT_LENGTH);
    let said = json!({ "type": "message", "message": text }).to_string();
    let say = async {
        let mut ticks = interval(SEND_EVERY);
        loop {
            ticks.tick().await;
            sink.send(Message::text(said.clone())).await.unwrap();
        }
    };
    let hear = async { while stream.next().await.is_some() {} };
    let ((), ()) = tokio::join!(say, hear);
}
