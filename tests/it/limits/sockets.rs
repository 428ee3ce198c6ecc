//! Of a user's sockets.

use std::num::NonZeroU32;

use tidings::config::Rates;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{limited, only, standing};
use crate::support::{Socket, TokenBy, until};

#[tokio::test]
async fn a_user_has_so_many_sockets_and_no_more() {
    let rates = Rates {
        sockets: NonZeroU32::new(3),
        ..Rates::off()
    };
    let app = limited(rates).await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let first = ann.chat_socket(id).await;
    let _second = ann.socket("/ws/").await;
    let again = ann.log_in_again().await;
    let _third = again.socket("/ws/notifications/").await;
    for door in ["/ws/", "/ws/notifications/", "/ws/chat/ben/"] {
        let refused = ann.knock(door).await;
        assert_eq!(refused.header("retry-after"), Some("5"));
        assert_eq!(standing(&refused), [Some("3"), Some("0")]);
        assert_eq!(refused.header("ratelimit-reset"), Some("5"));
        refused.refused(429, "rate_limited");
    }
    let _others = ben.socket("/ws/").await;
    drop(first);
    let mut fourth = until("a place", || {
        Socket::try_open(&ann, "/ws/", TokenBy::Bearer)
    })
    .await;
    fourth.expect("hello").await;
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
    let knocks = (0..20).map(|_| Socket::try_open(&ann, "/ws/", TokenBy::Bearer));
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
