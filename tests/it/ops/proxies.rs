//! The proxies of `deploy/` in front of a server: idle connections, a slow link
//! to the server, and the proxies' own error responses and logs.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use tidings::config::Settings;
use tidings::protocol::{ErrorCode, Problem};

use crate::support::{
    ClosingSide, LatencyProxy, PASSWORD, ReverseProxy, RunningProxy, TestApp, TestSite, TestUser,
    TokenTransport,
};

const LATENCY: Duration = Duration::from_millis(40);
/// The timeouts of the server and of the proxies are divided by this.
const FASTER: u32 = 10;

/// Divides the time of a setting in a proxy's configuration by `faster`.
fn hurry(text: &str, setting: &str, faster: u32) -> String {
    let Some((before, rest)) = text.split_once(&format!("{setting} ")) else {
        return text.to_owned();
    };
    let (seconds, after) = rest.split_once('s').unwrap();
    let millis = seconds.parse::<u32>().unwrap() * 1000 / faster;
    format!("{before}{setting} {millis}ms{after}")
}

fn hurry_idle(front: ReverseProxy, text: &str) -> String {
    match front {
        ReverseProxy::Nginx => hurry(text, "keepalive_timeout", FASTER),
        ReverseProxy::Caddy => hurry(text, "keepalive", FASTER),
    }
}

/// Starts a server whose keep-alive time is divided by [`FASTER`].
async fn hasty_server() -> TestApp {
    let change = |it: &mut Settings| it.keep_alive /= FASTER;
    TestApp::builder().settings(change).spawn().await
}

/// Returns the user as a client whose requests go through the proxy.
fn through(front: &RunningProxy, person: &TestUser) -> TestUser {
    TestUser {
        site: TestSite::at(front.address()),
        ..person.clone()
    }
}

/// Returns an address without a listener.
fn nowhere() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Sends messages at the worst moment: one side has just closed an idle
/// connection, and the other side learns of this 40 ms later.
async fn sends_after_idling_succeed(front: ReverseProxy) {
    let app = hasty_server().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut line = LatencyProxy::in_front_of(app.site().address(), LATENCY).await;
    let running = front
        .run(line.address(), |text| hurry_idle(front, &text))
        .await;
    let ann = through(&running, &ann);
    let mut closed_first = Vec::new();
    for _ in 0..3 {
        let sends = (0..20).map(|_| ann.send(id, "Hello"));
        for sent in join_all(sends).await {
            sent.expect(201);
        }
        closed_first.push(line.wait_for_close().await);
    }
    assert_eq!(closed_first, [ClosingSide::Client; 3]);
}

#[tokio::test]
async fn nginx_sends_succeed_after_idling() {
    sends_after_idling_succeed(ReverseProxy::Nginx).await;
}

#[tokio::test]
async fn caddy_sends_succeed_after_idling() {
    sends_after_idling_succeed(ReverseProxy::Caddy).await;
}

/// A socket that carries only pings stays open beyond the proxy's read and send
/// timeouts.
#[tokio::test]
async fn quiet_socket_outlives_proxy_timeouts() {
    const FASTER: u32 = 50;
    for front in ReverseProxy::ALL {
        let app = TestApp::builder().settings(|it| {
            it.timings.ping_every /= FASTER;
            it.timings.silence /= FASTER;
        });
        let app = app.spawn().await;
        let (ann, ben) = app.register_connected("ann", "ben").await;
        let id = ann.open_direct_used(&ben).await;
        let line = LatencyProxy::in_front_of(app.site().address(), LATENCY).await;
        let faster = |text: String| {
            let text = hurry(&text, "proxy_read_timeout", FASTER);
            hurry(&text, "proxy_send_timeout", FASTER)
        };
        let running = front.run(line.address(), faster).await;
        let mut socket = through(&running, &ann).chat_socket(id).await;
        for _ in 0..4 {
            while !socket.next_raw().await.is_ping() {}
        }
        socket.send_text("Still here").await;
        socket.expect_message().await;
    }
}

/// A proxy on a non-default port, without a public URL set, must pass the port:
/// browsers put it in `Origin`.
#[tokio::test]
async fn proxy_passes_port_of_origin() {
    for front in ReverseProxy::ALL {
        let app = TestApp::spawn().await;
        let ann = app.register_user("ann").await;
        let running = front.run(app.site().address(), |text| text).await;
        let site = TestSite::at(running.address());
        let request = site
            .request(Method::GET, "/ws/")
            .header("cookie", format!("tidings={}", ann.token))
            .header("origin", format!("http://{}", running.address()))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let status = request.send().await.unwrap().status();
        assert_eq!(status, 101, "{front:?}");
    }
}

/// Checks that a proxy's own error response has the members of the server's
/// problem responses.
async fn assert_problem(answer: reqwest::Response, code: ErrorCode) {
    assert_eq!(answer.status().as_u16(), code.status(), "{answer:?}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/problem+json");
    assert_eq!(header("cache-control"), "no-store");
    let is_away = code == ErrorCode::Unavailable;
    assert_eq!(answer.headers().contains_key("retry-after"), is_away);
    let given: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let ours = serde_json::to_value(Problem::new(code, "")).unwrap();
    for member in ["type", "title", "status", "code"] {
        assert_eq!(given[member], ours[member]);
    }
    assert!(!given["detail"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn proxy_answers_problem_without_server() {
    for front in ReverseProxy::ALL {
        let running = front
            .run(nowhere(), |text| hurry(&text, "lb_try_duration", FASTER))
            .await;
        let site = TestSite::at(running.address());
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/api/me/"),
            (Method::POST, "/api/auth/login/"),
        ] {
            let answer = site.request(method, path).send().await.unwrap();
            assert_problem(answer, ErrorCode::Unavailable).await;
        }
    }
}

#[tokio::test]
async fn proxy_answers_problem_to_large_body() {
    for front in ReverseProxy::ALL {
        let app = TestApp::spawn().await;
        let running = front.run(app.site().address(), |text| text).await;
        let site = TestSite::at(running.address());
        // The first length is too large for the proxy, the second only for the
        // server.
        for length in [300_000, 262_145] {
            let request = site
                .request(Method::POST, "/api/auth/login/")
                .header("content-type", "application/json")
                .body("x".repeat(length));
            let answer = request.send().await.unwrap();
            assert_problem(answer, ErrorCode::TooLarge).await;
        }
    }
}

#[tokio::test]
async fn nginx_answers_problem_to_malformed_request() {
    let running = ReverseProxy::Nginx.run(nowhere(), |text| text).await;
    let site = TestSite::at(running.address());
    let long = site.request(Method::GET, &format!("/{}", "a".repeat(40_000)));
    assert_problem(long.send().await.unwrap(), ErrorCode::BadRequest).await;
    let trace = site.request(Method::TRACE, "/");
    assert_problem(trace.send().await.unwrap(), ErrorCode::MethodNotAllowed).await;
}

/// Puts secrets in each part of a request that may hold one. Both proxies log
/// failed requests, so the test also sends requests while the server is down.
#[tokio::test]
async fn no_proxy_logs_secrets() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for front in ReverseProxy::ALL {
        for upstream in [app.site().address(), nowhere()] {
            let running = front
                .run(upstream, |text| hurry(&text, "lb_try_duration", FASTER))
                .await;
            let site = TestSite::at(running.address());
            let secrets = ["in-reset", "in-query", "in-offer", "in-header", "in-cookie"];
            for request in [
                site.request(Method::GET, "/reset?token=in-reset"),
                site.request(Method::GET, "/ws/?token=in-query")
                    .header("connection", "Upgrade")
                    .header("upgrade", "websocket")
                    .header("sec-websocket-protocol", "tidings.v1, bearer.in-offer"),
                site.request(Method::GET, "/api/me/")
                    .header("authorization", "Bearer in-header")
                    .header("cookie", "tidings=in-cookie")
                    .header("referer", "http://x/reset?token=in-reset"),
            ] {
                request.send().await.unwrap();
            }
            let body = serde_json::json!({ "username": "ann", "password": PASSWORD });
            let login = site.request(Method::POST, "/api/auth/login/").json(&body);
            login.send().await.unwrap();
            if upstream == app.site().address() {
                through(&running, &ann)
                    .socket_by("/ws/", TokenTransport::Query)
                    .await;
            }
            let logs = running.logs();
            let secrets = secrets.into_iter().chain([PASSWORD, &*ann.token]);
            for secret in secrets {
                assert!(!logs.contains(secret), "{front:?} logs {secret}: {logs}");
            }
            assert!(logs.contains("/reset"), "{front:?} logs requests: {logs}");
        }
    }
}
