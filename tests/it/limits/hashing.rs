//! Password hashing: it has its own threads and a bounded, fair queue.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use parking_lot::{Condvar, Mutex};
use reqwest::Method;
use serde_json::{Value, json};
use tidings::config::{RateLimits, Registration, Settings};
use tidings::engine::testing::FaultHooks;

use crate::pages::Browser;
use crate::support::{ApiResponse, PASSWORD, TestApp};

/// Number of concurrent logins: more than the hashing threads and their queue
/// hold, on any number of cores.
const CROWD: usize = 44;

/// A gate that stops the hashing threads while it is shut.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn set_shut(&self, is_shut: bool) {
        let (shut, changed) = &*self.0;
        *shut.lock() = is_shut;
        changed.notify_all();
    }

    fn pass(&self) {
        let (shut, changed) = &*self.0;
        let mut shut = shut.lock();
        changed.wait_while(&mut shut, |shut| *shut);
    }

    fn faults(&self) -> FaultHooks {
        let gate = self.clone();
        FaultHooks {
            before_hashing: Some(Arc::new(move || gate.pass())),
            ..FaultHooks::default()
        }
    }
}

/// Guards against hashing on the threads that compress responses, and against
/// an unbounded queue.
#[tokio::test]
async fn login_flood_delays_no_other_requests() {
    let gate = Gate::default();
    let app = TestApp::builder().faults(gate.faults()).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut there = ben.chat_socket(id).await;
    gate.set_shut(true);
    let body = json!({ "username": "ann", "password": PASSWORD });
    let crowd = (0..CROWD).map(|_| {
        let request = app.site().request(Method::POST, "/api/auth/login/");
        app.site().send(request.json(&body))
    });
    let mut crowd: FuturesUnordered<_> = crowd.collect();
    // The server refuses logins that don't fit into the queue, while the
    // accepted ones wait.
    let mut refused = 0;
    while refused < CROWD - 36 {
        let answer = crowd.next().await.unwrap();
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.expect_problem(503, "busy");
        refused += 1;
    }
    // The server still sends compressed pages and messages.
    let mut browser = Browser::at(&app);
    let page = browser.request(Method::GET, "/login");
    let page = browser.send(page.header("accept-encoding", "gzip")).await;
    assert_eq!(page.expect(200).header("content-encoding"), Some("gzip"));
    ann.send(id, "Still here?").await.expect(201);
    there.expect_message().await;
    gate.set_shut(false);
    let mut logged_in = 0;
    while let Some(answer) = crowd.next().await {
        match answer.status {
            200 => logged_in += 1,
            _ => refused += usize::from(answer.expect_problem(503, "busy").is_object()),
        }
    }
    assert_eq!(logged_in + refused, CROWD);
    assert!(logged_in > 32, "{logged_in}");
}

/// Starts a server that trusts a proxy on 127.0.0.1, and lets two passwords of
/// each address wait.
async fn fair(gate: &Gate, change: impl FnOnce(&mut Settings) + 'static) -> TestApp {
    let proxies = crate::people::settings(&["--trusted-proxies", "127.0.0.1"]);
    let builder = TestApp::builder().settings(|own| {
        own.rates = RateLimits {
            waiting_passwords: NonZeroU32::new(2),
            ..RateLimits::off()
        };
        own.trusted_proxies = proxies.trusted_proxies;
        change(own);
    });
    builder.faults(gate.faults()).spawn().await
}

async fn send(app: &TestApp, address: &str, (path, body): (&str, Value)) -> ApiResponse {
    let request = app.site().request(Method::POST, path);
    let request = request.header("x-forwarded-for", address).json(&body);
    app.site().send(request).await
}

async fn log_in(app: &TestApp, address: &str, (name, password): (&str, &str)) -> ApiResponse {
    let body = json!({ "username": name, "password": password });
    send(app, address, ("/api/auth/login/", body)).await
}

async fn register(app: &TestApp, address: &str, name: &str) -> ApiResponse {
    let body = json!({ "username": name, "password": PASSWORD });
    send(app, address, ("/api/auth/register/", body)).await
}

/// Logs in 20 times from the account's known address while `flood` runs.
async fn succeeds_amid(app: &TestApp, flood: impl Future<Output = ()>) {
    let owner = async {
        for _ in 0..20 {
            let answer = log_in(app, "203.0.113.9", ("uninvolved", PASSWORD)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    };
    tokio::select! {
        () = flood => unreachable!("it has no end"),
        () = owner => {}
    }
}

#[tokio::test]
async fn known_login_succeeds_amid_wrong_passwords() {
    let app = fair(&Gate::default(), |_| {}).await;
    register(&app, "203.0.113.7", "uninvolved")
        .await
        .expect(201);
    let app = &app;
    let strangers = (0..40).map(|host| async move {
        let address = format!("198.51.{host}.1");
        loop {
            log_in(app, &address, (&format!("made-up-{host}"), "wrong")).await;
        }
    });
    succeeds_amid(app, join_all(strangers).map(|_: Vec<()>| ())).await;
}

#[tokio::test]
async fn known_login_succeeds_amid_right_passwords() {
    let app = fair(&Gate::default(), |_| {}).await;
    let names: Vec<String> = (0..20).map(|n| format!("member-{n}")).collect();
    for name in names.iter().map(String::as_str).chain(["uninvolved"]) {
        let address = if name == "uninvolved" {
            "203.0.113.7"
        } else {
            "198.51.100.1"
        };
        register(&app, address, name).await.expect(201);
    }
    let app = &app;
    let members = names.iter().map(|name| async move {
        loop {
            log_in(app, "198.51.100.1", (name, PASSWORD)).await;
        }
    });
    succeeds_amid(app, join_all(members).map(|_: Vec<()>| ())).await;
}

/// Occupies all hashing threads and the address's queue places until the gate
/// opens. Returns the pending answers.
async fn fill<'a>(
    app: &'a TestApp,
    address: &'a str,
) -> FuturesUnordered<impl Future<Output = ApiResponse> + 'a> {
    let cores = available_parallelism().map_or(1, usize::from);
    let (all, taken) = (8, (cores / 2).clamp(1, 4) + 2);
    let attempts = (0..all).map(|_| log_in(app, address, ("made-up", "wrong")));
    let mut attempts: FuturesUnordered<_> = attempts.collect();
    for _ in taken..all {
        let refused = attempts.next().await.unwrap();
        refused.expect_problem(503, "busy");
    }
    attempts
}

#[tokio::test]
async fn names_and_invites_precede_hashing() {
    let gate = Gate::default();
    let app = fair(&gate, |_| {}).await;
    register(&app, "203.0.113.1", "ann").await.expect(201);
    let invited = fair(&gate, |own| own.registration = Registration::Invite).await;
    gate.set_shut(true);
    let address = "198.51.100.1";
    let waiting = (fill(&app, address).await, fill(&invited, address).await);
    let taken = register(&app, address, "Ann").await;
    taken.expect_problem(409, "username_taken");
    let uninvited = register(&invited, address, "ben").await;
    let uninvited = uninvited.expect_problem(422, "invalid");
    assert_eq!(uninvited["errors"][0]["field"], "invite");
    gate.set_shut(false);
    drop(waiting);
}

#[tokio::test]
async fn busy_registration_is_not_counted() {
    let gate = Gate::default();
    let app = fair(&gate, |own| {
        own.rates.registrations = super::only(2);
    })
    .await;
    let address = "198.51.100.1";
    register(&app, address, "ann").await.expect(201);
    gate.set_shut(true);
    let waiting = fill(&app, address).await;
    for _ in 0..3 {
        register(&app, address, "ben")
            .await
            .expect_problem(503, "busy");
    }
    gate.set_shut(false);
    waiting.for_each(async |_| ()).await;
    // The address has one of two registrations left, and this refused attempt
    // uses it.
    register(&app, address, "ann")
        .await
        .expect_problem(409, "username_taken");
    register(&app, address, "ben")
        .await
        .expect_problem(429, "rate_limited");
}

/// A browser that logged in before replaces an unknown client's attempt.
#[tokio::test]
async fn device_cookie_replaces_unknown_attempt() {
    let gate = Gate::default();
    let app = fair(&gate, |_| {}).await;
    register(&app, "203.0.113.7", "ann").await.expect(201);
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    let cookie = browser.cookie("tidings-device").unwrap().to_owned();
    gate.set_shut(true);
    let address = "198.51.100.1";
    let mut waiting = fill(&app, address).await;
    let by_browser = |name: &'static str| {
        let body = json!({ "username": name, "password": PASSWORD });
        let request = app.site().request(Method::POST, "/api/auth/login/");
        let request = request.header("x-forwarded-for", address);
        let request = request.header("cookie", format!("tidings-device={cookie}"));
        app.site().send(request.json(&body))
    };
    by_browser("ben").await.expect_problem(503, "busy");
    let known = by_browser("ann");
    let opening = async {
        // The known browser displaces one of these before the gate opens.
        waiting.next().await.unwrap().expect_problem(503, "busy");
        gate.set_shut(false);
    };
    let (known, ()) = tokio::join!(known, opening);
    known.expect(200);
}
