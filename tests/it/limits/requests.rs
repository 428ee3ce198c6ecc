//! Rate limits of users: sends and other requests.

use futures_util::future::join_all;
use serde_json::json;
use tidings::config::RateLimits;

use super::{assert_about, assert_waits, limited, only, standing};
use crate::pages::Browser;
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser};

async fn pair(rates: RateLimits) -> (TestApp, TestUser, TestUser, i64) {
    let app = limited(rates).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    (app, ann, ben, id)
}

#[tokio::test]
async fn sends_share_one_limit() {
    let rates = RateLimits {
        sends: only(4),
        ..RateLimits::off()
    };
    let (_app, ann, _ben, id) = pair(rates).await;
    let mut socket = ann.chat_socket(id).await;
    let first = ann.send(id, "One").await;
    assert_eq!(standing(&first), [Some("4"), Some("3")]);
    assert_about(3600, first.header("ratelimit-reset"));
    first.expect(201);
    socket.expect("conversation").await;
    socket.expect_message().await;
    socket.send_text("Two").await;
    socket.expect_message().await;
    ann.post("/messages/send/ben/", json!({ "message": "Three" }))
        .await
        .expect(201);
    socket.expect_message().await;
    ann.send(id, "Four").await.expect(201);
    socket.expect_message().await;

    let refused = ann.send(id, "Five").await;
    assert_eq!(standing(&refused), [Some("4"), Some("0")]);
    assert_waits(&refused, 3600, 14_400);
    let mut body = refused.expect_problem(429, "rate_limited");
    assert_about(3600, Some(&body["retry_after"].to_string()));
    body["retry_after"] = json!(3600);
    assert_wire!("problem_rate_limited", body);
    socket.send_text_as("Five", "five").await;
    let refused = socket.expect_error("rate_limited").await;
    assert_about(3600, Some(&refused["retry_after"].to_string()));
    assert_eq!(refused["client_id"], "five");
    // Other requests have their own limit, and a ping is free.
    ann.get("/api/me/").await.expect(200);
    socket.expect_nothing_until_pong().await;
    assert_eq!(ann.history(id).await.len(), 4);
}

#[tokio::test]
async fn other_requests_share_one_limit() {
    let rates = RateLimits {
        requests: only(8),
        ..RateLimits::off()
    };
    let app = limited(rates).await;
    let ann = app.register_user("ann").await;
    for left in (4..8).rev() {
        let answer = ann.get("/api/me/").await;
        assert_eq!(standing(&answer), [Some("8"), Some(&*left.to_string())]);
    }
    // Pages, socket handshakes and frames count too.
    let cookie = format!("tidings={}", ann.token);
    let page = |app: &TestApp| {
        let browser = Browser::at(app);
        browser
            .request(reqwest::Method::GET, "/messages")
            .header("cookie", &cookie)
            .header("accept", "text/html")
    };
    let mut browser = Browser::at(&app);
    browser.send(page(&app)).await.expect(200);
    let mut socket = ann.socket("/ws/").await;
    for code in ["not_found", "not_found", "rate_limited"] {
        socket
            .send(json!({ "type": "resume", "conversation_id": 9, "after": 0 }))
            .await;
        socket.expect_error(code).await;
    }
    ann.get("/api/conversations/")
        .await
        .expect_problem(429, "rate_limited");
    ann.try_upgrade("/ws/")
        .await
        .expect_problem(429, "rate_limited");
    let shown = browser.send(page(&app)).await.expect(429);
    shown.check_page();
    assert_about(3600, shown.header("retry-after"));
    // A request without a login counts for no user.
    app.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(app.get("/healthz").await.header("ratelimit-limit"), None);
}

#[tokio::test]
async fn flood_is_refused_for_sender_only() {
    const MOST: usize = 20;
    let rates = RateLimits {
        sends: only(20),
        requests: only(40),
        ..RateLimits::off()
    };
    let (_app, ann, ben, id) = pair(rates).await;
    let flood = join_all((0..200).map(|n| {
        let ann = ann.clone();
        async move { ann.send(id, &format!("Flood {n}")).await.status }
    }));
    let others = join_all((0..MOST).map(|n| {
        let ben = ben.clone();
        async move { ben.send(id, &format!("Word {n}")).await.status }
    }));
    let (flood, others) = tokio::join!(flood, others);
    let count = |statuses: &[u16], status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!(count(&flood, 201), MOST);
    assert_eq!(count(&flood, 429), 200 - MOST);
    assert_eq!(count(&others, 201), MOST, "{others:?}");
}

/// Repeated `rate_limited` errors don't close the socket.
#[tokio::test]
async fn rate_limited_socket_stays_open() {
    let rates = RateLimits {
        sends: only(1),
        ..RateLimits::off()
    };
    let (_app, ann, _ben, id) = pair(rates).await;
    let mut socket = ann.chat_socket(id).await;
    socket.send_text("One").await;
    socket.expect("conversation").await;
    socket.expect_message().await;
    for _ in 0..50 {
        socket.send_text("More").await;
        socket.expect_error("rate_limited").await;
    }
    socket.expect_nothing_until_pong().await;
}
