//! A WebSocket client that costs next to nothing beside the server: frames
//! are written with a mask of zeros and read where they lie.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

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

    /// The next text, once it is here.
    pub(crate) async fn next(&mut self) -> Vec<u8> {
        loop {
            if let Some(text) = self.take() {
                return text.to_vec();
            }
            self.fill().await;
        }
    }

    /// The `hello`, which is the first text.
    pub(crate) async fn hello(&mut self) -> Vec<u8> {
        let text = self.next().await;
        assert!(text.starts_with(br#"{"type":"hello""#));
        text
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

    /// Waits for more bytes. It may be given up, where nothing was pushed before.
    pub(crate) async fn fill(&mut self) {
        self.flush().await;
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
            match opcode {
                TEXT => return Some(&self.inbox[at + start..at + end]),
                PING => self.outbox.extend([0x80 | PONG, 0x80, 0, 0, 0, 0]),
                _ => {}
            }
        }
    }
}

/// A frame at the beginning: its opcode, and where its payload lies, which is
/// behind the mask where it has one.
pub(crate) fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        // A client's has the mask's bit.
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

/// Where `needle` ends.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle);
    at.map(|at| at + needle.len())
}

/// The number that `text` has right after `name`.
pub(crate) fn number(text: &[u8], name: &[u8]) -> i64 {
    let start = find(text, name).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(text)));
    let digits = text[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}
