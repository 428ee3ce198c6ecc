//! Limits on a user's sockets and their frames.

use std::num::NonZeroU32;

use tidings::config::RateLimits;

use serde_json::json;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::{limited, only, standing};
use crate::support::{TestApp, TestSocket, TestUser, TokenTransport, until};

/// Spawns a client that reads, and so answers pings, until its socket is
/// closed. Returns the close code.
fn reading(mut socket: TestSocket) -> JoinHandle<u16> {
    tokio::spawn(async move { socket.wait_for_close().await })
}

async fn with_sockets(most: u32) -> (TestApp, TestUser) {
    let rates = RateLimits {
        sockets: NonZeroU32::new(most),
        ..RateLimits::off()
    };
    let app = limited(rates).await;
    let ann = app.register_user("ann").await;
    (app, ann)
}

/// Guards users whose clients vanished without closing: a lost network, or a
/// computer that sleeps.
#[tokio::test]
async fn silent_sockets_are_replaced_at_limit() {
    let (_app, ann) = with_sockets(20).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(ann.socket("/ws/").await);
    }
    let mut fresh = ann.socket("/ws/").await;
    fresh.expect_nothing_until_pong().await;
    for mut socket in silent {
        assert_eq!(socket.wait_for_close().await, 1001);
    }
}

#[tokio::test]
async fn responsive_sockets_keep_their_slots() {
    let (_app, ann) = with_sockets(3).await;
    let one = reading(ann.socket("/ws/").await);
    let two = reading(ann.socket("/ws/notifications/").await);
    let mut silent = ann.socket("/ws/").await;
    let three = reading(ann.socket("/ws/").await);
    assert_eq!(silent.wait_for_close().await, 1001);
    // All three answer pings, so none is replaced.
    ann.try_upgrade("/ws/")
        .await
        .expect_problem(429, "rate_limited");
    for socket in [one, two, three] {
        assert!(!socket.is_finished());
    }
}

/// A client that doesn't read stalls its session's actor, which then can't
/// close the socket. The socket's slot must be freed nevertheless.
#[tokio::test]
async fn stuck_socket_frees_its_slot() {
    let (app, ann) = with_sockets(1).await;
    let ben = app.register_user("ben").await;
    ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let mut stuck = TestSocket::open_unbuffered(&ann, &format!("/ws/chat/{id}/")).await;
    stuck.expect("hello").await;
    let text = "x".repeat(9_000);
    for _ in 0..150 {
        ben.send(id, &text).await.expect(201);
    }
    let mut fresh = ann.socket("/ws/").await;
    fresh.expect_nothing_until_pong().await;
    drop(stuck);
}

/// Guards against clients that make the server send pings by opening sockets.
#[tokio::test]
async fn handshakes_at_limit_ping_once() {
    let (_app, ann) = with_sockets(1).await;
    let mut silent = ann.socket("/ws/").await;
    let knocks = (0..5).map(|_| TestSocket::try_open(&ann, "/ws/", TokenTransport::Bearer));
    let opened = futures_util::future::join_all(knocks).await;
    assert_eq!(opened.iter().flatten().count(), 1);
    let mut pings = 0;
    loop {
        match silent.next_raw().await {
            Message::Ping(_) => pings += 1,
            Message::Close(_) => break,
            _ => {}
        }
    }
    assert_eq!(pings, 1);
}

#[tokio::test]
async fn sockets_are_limited_by_user() {
    let rates = RateLimits {
        sockets: NonZeroU32::new(3),
        ..RateLimits::off()
    };
    let app = limited(rates).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let first = reading(ann.chat_socket(id).await);
    let _second = reading(ann.socket("/ws/").await);
    let again = ann.log_in_again().await;
    let _third = reading(again.socket("/ws/notifications/").await);
    for path in ["/ws/", "/ws/notifications/", "/ws/chat/ben/"] {
        let refused = ann.try_upgrade(path).await;
        assert_eq!(refused.header("retry-after"), Some("5"));
        assert_eq!(standing(&refused), [Some("3"), Some("0")]);
        assert_eq!(refused.header("ratelimit-reset"), Some("5"));
        refused.expect_problem(429, "rate_limited");
    }
    let _others = ben.socket("/ws/").await;
    first.abort();
    let mut fourth = until("a free socket", || {
        TestSocket::try_open(&ann, "/ws/", TokenTransport::Bearer)
    })
    .await;
    fourth.expect("hello").await;
    let _fourth = reading(fourth);
    ann.try_upgrade("/ws/")
        .await
        .expect_problem(429, "rate_limited");
}

/// Guards the count of a user's sockets against concurrent handshakes.
#[tokio::test]
async fn concurrent_handshakes_respect_limit() {
    let rates = RateLimits {
        sockets: NonZeroU32::new(3),
        ..RateLimits::off()
    };
    let app = limited(rates).await;
    let ann = app.register_user("ann").await;
    let knocks = (0..20).map(|_| async {
        let socket = TestSocket::try_open(&ann, "/ws/", TokenTransport::Bearer).await;
        socket.map(reading)
    });
    let opened = futures_util::future::join_all(knocks).await;
    assert_eq!(opened.iter().flatten().count(), 3);
}

/// Guards against floods of frames that no other limit counts.
#[tokio::test]
async fn frame_flood_closes_socket() {
    let rates = RateLimits {
        frames: only(5),
        ..RateLimits::off()
    };
    let app = limited(rates).await;
    let ann = app.register_user("ann").await;
    let ping = || Message::text(json!({ "type": "ping" }).to_string());
    let below = || Message::Ping(Vec::<u8>::new().into());
    let typing = json!({ "type": "typing", "conversation_id": 7, "is_typing": true });
    for last in [ping(), below(), Message::text(typing.to_string())] {
        let mut socket = ann.socket("/ws/").await;
        for _ in 0..4 {
            socket.send_raw(below()).await;
        }
        socket.expect_nothing_until_pong().await;
        socket.send_raw(last).await;
        assert_eq!(socket.expect_close().await, 1008);
    }
}
