//! Of a user's sockets.

use std::num::NonZeroU32;

use tidings::config::Rates;

use serde_json::json;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::{limited, only, standing};
use crate::support::{Person, Socket, TestApp, TokenBy, until};

/// A client that reads, and so answers pings, until its socket is closed: with
/// which code.
fn reading(mut socket: Socket) -> JoinHandle<u16> {
    tokio::spawn(async move { socket.closes_in_the_end().await })
}

async fn with_sockets(most: u32) -> (TestApp, Person) {
    let rates = Rates {
        sockets: NonZeroU32::new(most),
        ..Rates::off()
    };
    let app = limited(rates).await;
    let ann = app.person("ann").await;
    (app, ann)
}

/// Guards users whose clients vanished without a word: with a network that
/// went, or a computer that sleeps.
#[tokio::test]
async fn silent_sockets_give_way_at_limit() {
    let (_app, ann) = with_sockets(20).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(ann.socket("/ws/").await);
    }
    let mut fresh = ann.socket("/ws/").await;
    fresh.expect_nothing_until_pong().await;
    for mut socket in silent {
        assert_eq!(socket.closes_in_the_end().await, 1001);
    }
}

#[tokio::test]
async fn answering_sockets_keep_their_seats() {
    let (_app, ann) = with_sockets(3).await;
    let one = reading(ann.socket("/ws/").await);
    let two = reading(ann.socket("/ws/notifications/").await);
    let mut silent = ann.socket("/ws/").await;
    let three = reading(ann.socket("/ws/").await);
    assert_eq!(silent.closes_in_the_end().await, 1001);
    // All of them answer.
    ann.knock("/ws/").await.refused(429, "rate_limited");
    for socket in [one, two, three] {
        assert!(!socket.is_finished());
    }
}

/// A client that takes nothing stops its session's actor, which closes nothing
/// then: its seat is free all the same.
#[tokio::test]
async fn stuck_socket_frees_its_seat() {
    let (app, ann) = with_sockets(1).await;
    let ben = app.person("ben").await;
    ann.connect_with(&ben).await;
    let id = ann.talk_with(&ben).await;
    let mut stuck = Socket::open_unbuffered(&ann, &format!("/ws/chat/{id}/")).await;
    stuck.expect("hello").await;
    let text = "x".repeat(9_000);
    for _ in 0..150 {
        ben.send(id, &text).await.expect(201);
    }
    let mut fresh = ann.socket("/ws/").await;
    fresh.expect_nothing_until_pong().await;
    drop(stuck);
}

/// Guards against a cheap way to have a server send pings.
#[tokio::test]
async fn handshakes_at_limit_ping_once() {
    let (_app, ann) = with_sockets(1).await;
    let mut silent = ann.socket("/ws/").await;
    let knocks = (0..5).map(|_| Socket::try_open(&ann, "/ws/", TokenBy::Bearer));
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
async fn a_user_has_so_many_sockets_and_no_more() {
    let rates = Rates {
        sockets: NonZeroU32::new(3),
        ..Rates::off()
    };
    let app = limited(rates).await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let first = reading(ann.chat_socket(id).await);
    let _second = reading(ann.socket("/ws/").await);
    let again = ann.log_in_again().await;
    let _third = reading(again.socket("/ws/notifications/").await);
    for door in ["/ws/", "/ws/notifications/", "/ws/chat/ben/"] {
        let refused = ann.knock(door).await;
        assert_eq!(refused.header("retry-after"), Some("5"));
        assert_eq!(standing(&refused), [Some("3"), Some("0")]);
        assert_eq!(refused.header("ratelimit-reset"), Some("5"));
        refused.refused(429, "rate_limited");
    }
    let _others = ben.socket("/ws/").await;
    first.abort();
    let mut fourth = until("a place", || {
        Socket::try_open(&ann, "/ws/", TokenBy::Bearer)
    })
    .await;
    fourth.expect("hello").await;
    let _fourth = reading(fourth);
    ann.knock("/ws/").await.refused(429, "rate_limited");
}

/// Guards the count against doors that are knocked on all at once.
#[tokio::test]
async fn many_who_knock_at_once_get_no_more_than_that() {
    let rates = Rates {
        sockets: NonZeroU32::new(3),
        ..Rates::off()
    };
    let app = limited(rates).await;
    let ann = app.person("ann").await;
    let knocks = (0..20).map(|_| async {
        let socket = Socket::try_open(&ann, "/ws/", TokenBy::Bearer).await;
        socket.map(reading)
    });
    let opened = futures_util::future::join_all(knocks).await;
    assert_eq!(opened.iter().flatten().count(), 3);
}

/// Guards against what costs its sender nothing, and is counted nowhere else.
#[tokio::test]
async fn a_socket_says_so_much_and_is_closed_then() {
    let rates = Rates {
        frames: only(5),
        ..Rates::off()
    };
    let app = limited(rates).await;
    let ann = app.person("ann").await;
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
