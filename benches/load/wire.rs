//! A WebSocket client that costs next to nothing beside the server: frames
//! are written with a mask of zeros and read where they lie.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

pub(crate) struct Wire {
    stream: TcpStream,
    inbox: Vec<u8>,
    /// How much of it was taken.
    taken: usize,
    outbox: Vec<u8>,
}

impl Wire {
    /// An open socket, before its `hello`.
    pub(crate) async fn open(address: SocketAddr, path: &str, token: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut wire = Self {
            stream,
            inbox: Vec::with_capacity(2048),
            taken: 0,
            outbox: Vec::new(),
        };
        while find(&wire.inbox, b"\r\n\r\n").is_none() {
            wire.fill().await;
        }
        assert!(wire.inbox.starts_with(b"HTTP/1.1 101 "), "refused");
        wire.taken = find(&wire.inbox, b"\r\n\r\n").unwrap();
        wire
    }

    /// The same, past its `hello`.
    pub(crate) async fn open_said_hello(address: SocketAddr, path: &str, token: &str) -> Self {
        let mut wire = Self::open(address, path, token).await;
        loop {
            if let Some(text) = wire.take() {
                assert!(text.starts_with(br#"{"type":"hello""#));
                return wire;
            }
            wire.fill().await;
        }
    }

    /// Queues a frame for the next [`Wire::flush`].
    pub(crate) fn push(&mut self, text: &str) {
        let length = u16::try_from(text.len()).unwrap();
        self.outbox.push(0x80 | TEXT);
        if let Ok(short @ ..126) = u8::try_from(length) {
            self.outbox.push(0x80 | short);
        } else {
            self.outbox.push(0x80 | 126);
            self.outbox.extend(length.to_be_bytes());
        }
        self.outbox.extend([0; 4]);
        self.outbox.extend(text.as_bytes());
    }

    pub(crate) async fn flush(&mut self) {
        if !self.outbox.is_empty() {
            self.stream.write_all(&self.outbox).await.unwrap();
            self.outbox.clear();
        }
    }

    /// Waits for more bytes; safe to be given up.
    pub(crate) async fn fill(&mut self) {
        self.inbox.drain(..self.taken);
        self.taken = 0;
        let count = self.stream.read_buf(&mut self.inbox).await.unwrap();
        assert!(count > 0, "the server hung up");
    }

    /// The next text that is here already.
    pub(crate) fn take(&mut self) -> Option<&[u8]> {
        loop {
            let rest = &self.inbox[self.taken..];
            let (opcode, start, end) = frame(rest)?;
            let at = self.taken;
            self.taken += end;
            assert_ne!(opcode, CLOSE, "the server closed");
            // Pings are left unanswered: whoever runs this long also speaks.
            if opcode == TEXT {
                return Some(&self.inbox[at + start..at + end]);
            }
        }
    }
}

/// A frame at the beginning: its opcode, and where its payload lies.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (
            4,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(),
        ),
        127 => panic!("no frame here is that long"),
        short => (2, usize::from(short)),
    };
    let end = start + length;
    (bytes.len() >= end).then(|| (bytes[0] & 0xf, start, end))
}

/// Where `needle` ends.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle);
    at.map(|at| at + needle.len())
}
