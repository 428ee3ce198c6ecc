//! An HTTP client that sends one request after the other on one connection.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::load_socket::{find_bytes, parse_number};

pub(crate) struct LoadHttpClient {
    stream: TcpStream,
    token: String,
    inbox: Vec<u8>,
}

impl LoadHttpClient {
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            token: token.to_owned(),
            inbox: Vec::new(),
        }
    }

    /// Returns the body of the answer. Panics if the status is not 200.
    pub(crate) async fn get(&mut self, path: &str) -> &[u8] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
            self.token
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.inbox.clear();
        let start = loop {
            if let Some(start) = find_bytes(&self.inbox, b"\r\n\r\n") {
                break start;
            }
            self.fill().await;
        };
        let head = self.inbox[..start].to_ascii_lowercase();
        assert!(head.starts_with(b"http/1.1 200 "), "refused: {path}");
        let length = usize::try_from(parse_number(&head, b"content-length: ")).unwrap();
        while self.inbox.len() < start + length {
            self.fill().await;
        }
        &self.inbox[start..]
    }

    async fn fill(&mut self) {
        let count = self.stream.read_buf(&mut self.inbox).await.unwrap();
        assert!(count > 0, "the server closed the connection");
    }
}
