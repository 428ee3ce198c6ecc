//! A client that asks one thing after the other on a kept connection.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wire::{find, number};

pub(crate) struct Client {
    stream: TcpStream,
    token: String,
    inbox: Vec<u8>,
}

impl Client {
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            token: token.to_owned(),
            inbox: Vec::new(),
        }
    }

    /// The body of what answers.
    pub(crate) async fn get(&mut self, path: &str) -> &[u8] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
            self.token
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.inbox.clear();
        let start = loop {
            if let Some(start) = find(&self.inbox, b"\r\n\r\n") {
                break start;
            }
            self.fill().await;
        };
        let head = self.inbox[..start].to_ascii_lowercase();
        assert!(head.starts_with(b"http/1.1 200 "), "refused: {path}");
        let length = usize::try_from(number(&head, b"content-length: ")).unwrap();
        while self.inbox.len() < start + length {
            self.fill().await;
        }
        &self.inbox[start..]
    }

    async fn fill(&mut self) {
        let count = self.stream.read_buf(&mut self.inbox).await.unwrap();
        assert!(count > 0, "the server hung up");
    }
}
