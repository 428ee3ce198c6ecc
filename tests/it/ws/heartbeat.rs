//! Pings, and the end of a silent socket.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{TestApp, within};

#[tokio::test]
async fn client_answering_pings_stays_connected() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.timings.ping_every = Duration::from_millis(50);
            settings.timings.silence = Duration::from_secs(5);
        })
        .spawn()
        .await;
    let mut socket = app.register_user("ann").await.socket("/ws/").await;
    for _ in 0..20 {
        let ping = socket.next_raw().await;
        assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
    }
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn silent_client_is_closed() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.timings.ping_every = Duration::from_millis(50);
            settings.timings.silence = Duration::from_millis(300);
        })
        .spawn()
        .await;
    let mut socket = app.register_user("ann").await.socket("/ws/").await;
    // The WebSocket library would answer pings, so the test reads the raw
    // bytes.
    let mut bytes = Vec::new();
    let read = socket.stream.get_mut().read_to_end(&mut bytes);
    within("the connection to end", read).await.unwrap();
    let reason = b"server going away";
    assert!(bytes.ends_with(reason), "{bytes:?}");
    let (_, code) = bytes[..bytes.len() - reason.len()]
        .split_last_chunk()
        .unwrap();
    assert_eq!(u16::from_be_bytes(*code), 1001);
    // A ping without a payload.
    assert!(bytes.windows(2).any(|pair| pair == [0x89, 0]), "{bytes:?}");
}
