//! A WebSocket client that is cheap compared with the server: it writes frames
//! with a mask of zeros and parses them in place.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

pub(crate) struct LoadSocket {
    stream: TcpStream,
    inbox: Vec<u8>,
    /// The number of bytes of `inbox` that were taken.
    taken: usize,
    outbox: Vec<u8>,
}

impl LoadSocket {
    /// Opens a socket. Its `hello` is not read yet.
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
        while find_bytes(&wire.inbox, b"\r\n\r\n").is_none() {
            wire.fill().await;
        }
        assert!(wire.inbox.starts_with(b"HTTP/1.1 101 "), "refused");
        wire.taken = find_bytes(&wire.inbox, b"\r\n\r\n").unwrap();
        wire
    }

    /// Waits for the next text frame.
    pub(crate) async fn next(&mut self) -> Vec<u8> {
        loop {
            if let Some(text) = self.take_frame() {
                return text.to_vec();
            }
            self.fill().await;
        }
    }

    /// Reads the `hello`, which is the first text frame.
    pub(crate) async fn read_hello(&mut self) -> Vec<u8> {
        let text = self.next().await;
        assert!(text.starts_with(br#"{"type":"hello""#));
        text
    }

    /// Queues a frame for the next [`LoadSocket::flush`].
    pub(crate) fn queue_frame(&mut self, text: &str) {
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

    /// Waits for more bytes. It is cancel-safe if no frame is queued.
    pub(crate) async fn fill(&mut self) {
        self.flush().await;
        self.inbox.drain(..self.taken);
        self.taken = 0;
        let count = self.stream.read_buf(&mut self.inbox).await.unwrap();
        assert!(count > 0, "the server closed the connection");
    }

    /// Returns the next text frame that has arrived.
    pub(crate) fn take_frame(&mut self) -> Option<&[u8]> {
        loop {
            let rest = &self.inbox[self.taken..];
            let (opcode, start, end) = parse_frame(rest)?;
            let at = self.taken;
            self.taken += end;
            assert_ne!(opcode, CLOSE, "the server closed");
            match opcode {
                TEXT => return Some(&self.inbox[at + start..at + end]),
                PING => self.outbox.extend([0x80 | PONG, 0x80, 0, 0, 0, 0]),
                _ => {}
            }
        }
    }
}

/// Parses the first frame: its opcode, and the start and end of its payload
/// without the mask. A masked payload begins and ends four bytes later.
pub(crate) fn parse_frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        // The lengths of client frames have the mask bit.
        126 | 254 => (
            4,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(),
        ),
        127 => {
            let long = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            (10, usize::try_from(long).ok()?)
        }
        short => (2, usize::from(short & 127)),
    };
    let end = start + length;
    let mask = if bytes[1] & 128 > 0 { 4 } else { 0 };
    (bytes.len() >= end + mask).then(|| (bytes[0] & 0xf, start, end))
}

/// Returns the index after the first `needle`.
pub(crate) fn find_bytes(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle);
    at.map(|at| at + needle.len())
}

/// Parses the number that follows `name` in `text`.
pub(crate) fn parse_number(text: &[u8], name: &[u8]) -> i64 {
    let start =
        find_bytes(text, name).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(text)));
    let digits = text[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}
