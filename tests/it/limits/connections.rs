//! Limits on the TCP connections of an address, and the cost of each.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use tidings::config::RateLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::limited;
use crate::support::{TestApp, TestBinary, until, within};

/// Opens a connection and awaits one response, so that the server counts it.
/// Returns `None` if the server closed it.
async fn connect(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n";
    stream.write_all(request).await.ok()?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match within("an answer", stream.read_u8()).await {
            Ok(byte) => answer.push(byte),
            Err(_) => return None,
        }
    }
    Some(stream)
}

fn three() -> RateLimits {
    RateLimits {
        connections: NonZeroU32::new(3),
        ..RateLimits::off()
    }
}

#[tokio::test]
async fn connection_takes_one_descriptor() {
    const CONNECTIONS: usize = 100;
    let binary = TestBinary::migrated().await;
    let serving = binary.serve(&[]).await;
    let first = connect(serving.site.address()).await.unwrap();
    let before = serving.descriptors();
    let mut open = vec![first];
    for _ in 0..CONNECTIONS {
        open.push(connect(serving.site.address()).await.unwrap());
    }
    let more = serving.descriptors().saturating_sub(before);
    // The count includes files that the server opened or closed during the
    // test.
    let is_one_each = more.abs_diff(CONNECTIONS) < CONNECTIONS / 5;
    assert!(is_one_each, "{more}");
}

#[tokio::test]
async fn address_has_bounded_connections() {
    let app = limited(three()).await;
    let address = app.site().address();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(connect(address).await.unwrap());
    }
    assert!(connect(address).await.is_none());
    open.pop();
    until("a free connection", || connect(address)).await;
}

#[tokio::test]
async fn proxy_has_unbounded_connections() {
    let proxies = crate::people::settings(&["--trusted-proxies", "127.0.0.1"]);
    let app = TestApp::builder().settings(|own| {
        own.rates = three();
        own.trusted_proxies = proxies.trusted_proxies;
    });
    let app = app.spawn().await;
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(connect(app.site().address()).await.unwrap());
    }
}
