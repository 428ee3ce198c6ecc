//! The proxies of `deploy/` in front of a server: connections that were idle,
//! a slow line between the two, and what the proxies answer and log themselves.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use tidings::config::Settings;
use tidings::protocol::{Code, Problem};

use crate::support::{
    Front, LineEnd, PASSWORD, Person, RunningFront, Site, SlowLine, TestApp, TokenBy,
};

const LATENCY: Duration = Duration::from_millis(40);
/// Times are divided by this, of the server and of the proxies alike.
const FASTER: u32 = 10;

/// Divides a time of a proxy's file.
fn hurry(text: &str, setting: &str, faster: u32) -> String {
    let Some((before, rest)) = text.split_once(&format!("{setting} ")) else {
        return text.to_owned();
    };
    let (seconds, after) = rest.split_once('s').unwrap();
    let millis = seconds.parse::<u32>().unwrap() * 1000 / faster;
    format!("{before}{setting} {millis}ms{after}")
}

fn hurry_idle(front: Front, text: &str) -> String {
    match front {
        Front::Nginx => hurry(text, "keepalive_timeout", FASTER),
        Front::Caddy => hurry(text, "keepalive", FASTER),
    }
}

/// A server that closes idle connections as much sooner.
async fn hasty_server() -> TestApp {
    let change = |it: &mut Settings| it.keep_alive /= FASTER;
    TestApp::builder().settings(change).spawn().await
}

/// The person, by way of a proxy.
fn through(front: &RunningFront, person: &Person) -> Person {
    Person {
        site: Site::at(front.address()),
        ..person.clone()
    }
}

/// Nothing listens there.
fn nowhere() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Messages are sent at the moment at which a side closes an idle connection:
/// the worst one, since the other side learns of it only 40 ms later.
async fn sends_after_idling_succeed(front: Front) {
    let app = hasty_server().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut line = SlowLine::before(app.site().address(), LATENCY).await;
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
        closed_first.push(line.ended().await);
    }
    assert_eq!(closed_first, [LineEnd::Client; 3]);
}

#[tokio::test]
async fn nginx_sends_succeed_after_idling() {
    sends_after_idling_succeed(Front::Nginx).await;
}

#[tokio::test]
async fn caddy_sends_succeed_after_idling() {
    sends_after_idling_succeed(Front::Caddy).await;
}

/// A socket on which only pings pass is open for longer than the proxy waits for
/// bytes.
#[tokio::test]
async fn quiet_socket_outlives_proxy_timeouts() {
    const FASTER: u32 = 50;
    for front in Front::ALL {
        let app = TestApp::builder().settings(|it| {
            it.timings.ping_every /= FASTER;
            it.timings.silence /= FASTER;
        });
        let app = app.spawn().await;
        let (ann, ben) = app.connected_pair("ann", "ben").await;
        let id = ann.talk_with(&ben).await;
        let line = SlowLine::before(app.site().address(), LATENCY).await;
        let faster = |text: String| {
            let text = hurry(&text, "proxy_read_timeout", FASTER);
            hurry(&text, "proxy_send_timeout", FASTER)
        };
        let running = front.run(line.address(), faster).await;
        let mut socket = through(&running, &ann).chat_socket(id).await;
        for _ in 0..4 {
            while !socket.next_raw().await.is_ping() {}
        }
        socket.say("Still here").await;
        socket.expect_message().await;
    }
}

/// A proxy on another port than HTTP's own, without a public URL set: a browser
/// names that port in `Origin`.
#[tokio::test]
async fn proxy_passes_port_of_origin() {
    for front in Front::ALL {
        let app = TestApp::spawn().await;
        let ann = app.person("ann").await;
        let running = front.run(app.site().address(), |text| text).await;
        let site = Site::at(running.address());
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

/// What a proxy answers itself has the members of the server's own problems.
async fn assert_problem(answer: reqwest::Response, code: Code) {
    assert_eq!(answer.status().as_u16(), code.status(), "{answer:?}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/problem+json");
    assert_eq!(header("cache-control"), "no-store");
    let is_away = code == Code::Unavailable;
    assert_eq!(answer.headers().contains_key("retry-after"), is_away);
    let given: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let ours = serde_json::to_value(Problem::new(code, "")).unwrap();
    for member in ["type", "title", "status", "code"] {
        assert_eq!(given[member], ours[member]);
    }
    assert!(!given["detail"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn proxy_answers_problem_if_server_is_away() {
    for front in Front::ALL {
        let running = front
            .run(nowhere(), |text| hurry(&text, "lb_try_duration", FASTER))
            .await;
        let site = Site::at(running.address());
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/api/me/"),
            (Method::POST, "/api/auth/login/"),
        ] {
            let answer = site.request(method, path).send().await.unwrap();
            assert_problem(answer, Code::Unavailable).await;
        }
    }
}

#[tokio::test]
async fn proxy_answers_problem_to_large_body() {
    for front in Front::ALL {
        let app = TestApp::spawn().await;
        let running = front.run(app.site().address(), |text| text).await;
        let site = Site::at(running.address());
        // One is too large for the proxy, the other only for the server.
        for length in [300_000, 262_145] {
            let request = site
                .request(Method::POST, "/api/auth/login/")
                .header("content-type", "application/json")
                .body("x".repeat(length));
            let answer = request.send().await.unwrap();
            assert_problem(answer, Code::TooLarge).await;
        }
    }
}

#[tokio::test]
async fn nginx_answers_problem_to_malformed_request() {
    let running = Front::Nginx.run(nowhere(), |text| text).await;
    let site = Site::at(running.address());
    let long = site.request(Method::GET, &format!("/{}", "a".repeat(40_000)));
    assert_problem(long.send().await.unwrap(), Code::BadRequest).await;
    let trace = site.request(Method::TRACE, "/");
    assert_problem(trace.send().await.unwrap(), Code::MethodNotAllowed).await;
}

/// Secrets in each place that a request has for one, also while the server is
/// away, when both proxies log the request that failed.
#[tokio::test]
async fn no_proxy_logs_secrets() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    for front in Front::ALL {
        for upstream in [app.site().address(), nowhere()] {
            let running = front
                .run(upstream, |text| hurry(&text, "lb_try_duration", FASTER))
                .await;
            let site = Site::at(running.address());
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
                    .socket_by("/ws/", TokenBy::Query)
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
