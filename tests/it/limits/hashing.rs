//! Passwords are hashed apart from all else, and by no more than can be.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use parking_lot::{Condvar, Mutex};
use reqwest::Method;
use serde_json::{Value, json};
use tidings::config::{Rates, Registration, Settings};
use tidings::engine::testing::Faults;

use crate::pages::Browser;
use crate::support::{Answer, PASSWORD, TestApp};

/// More than may hash and wait together, on however many cores.
const CROWD: usize = 44;

/// What those who hash stop at while it is shut.
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

    fn faults(&self) -> Faults {
        let gate = self.clone();
        Faults {
            before_hashing: Some(Arc::new(move || gate.pass())),
            ..Faults::default()
        }
    }
}

/// Guards against hashing on the threads that compress answers, and against a
/// queue without end before them.
#[tokio::test]
async fn a_crowd_that_logs_in_holds_nobody_else_up() {
    let gate = Gate::default();
    let app = TestApp::builder().faults(gate.faults()).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut there = ben.chat_socket(id).await;
    gate.set_shut(true);
    let body = json!({ "username": "ann", "password": PASSWORD });
    let crowd = (0..CROWD).map(|_| {
        let request = app.site().request(Method::POST, "/api/auth/login/");
        app.site().send(request.json(&body))
    });
    let mut crowd: FuturesUnordered<_> = crowd.collect();
    // Those who find no place are told so while the others wait.
    let mut refused = 0;
    while refused < CROWD - 36 {
        let answer = crowd.next().await.unwrap();
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.refused(503, "busy");
        refused += 1;
    }
    // Pages come, compressed as ever, and messages.
    let mut browser = Browser::at(&app);
    let page = browser.request(Method::GET, "/login");
    let page = browser.send(page.header("accept-encoding", "gzip")).await;
    assert_eq!(page.expect(200).header("content-encoding"), Some("gzip"));
    ann.send(id, "Still here?").await.expect(201);
    there.expect_message().await;
    gate.set_shut(false);
    let mut let_in = 0;
    while let Some(answer) = crowd.next().await {
        match answer.status {
            200 => let_in += 1,
            _ => refused += usize::from(answer.refused(503, "busy").is_object()),
        }
    }
    assert_eq!(let_in + refused, CROWD);
    assert!(let_in > 32, "{let_in}");
}

/// A server behind a proxy, where two passwords of an address may wait.
async fn fair(gate: &Gate, change: impl FnOnce(&mut Settings) + 'static) -> TestApp {
    let proxies = crate::people::settings(&["--trusted-proxies", "127.0.0.1"]);
    let builder = TestApp::builder().settings(|own| {
        own.rates = Rates {
            waiting_passwords: NonZeroU32::new(2),
            ..Rates::off()
        };
        own.trusted_proxies = proxies.trusted_proxies;
        change(own);
    });
    builder.faults(gate.faults()).spawn().await
}

async fn send(app: &TestApp, address: &str, (path, body): (&str, Value)) -> Answer {
    let request = app.site().request(Method::POST, path);
    let request = request.header("x-forwarded-for", address).json(&body);
    app.site().send(request).await
}

async fn log_in(app: &TestApp, address: &str, (name, password): (&str, &str)) -> Answer {
    let body = json!({ "username": name, "password": password });
    send(app, address, ("/api/auth/login/", body)).await
}

async fn register(app: &TestApp, address: &str, name: &str) -> Answer {
    let body = json!({ "username": name, "password": PASSWORD });
    send(app, address, ("/api/auth/register/", body)).await
}

/// Logs in twenty times from where this account did before, while `flood` goes
/// on.
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

/// Takes all turns and the places of one address, by passwords that wait until
/// the gate opens: their answers.
async fn fill<'a>(
    app: &'a TestApp,
    address: &'a str,
) -> FuturesUnordered<impl Future<Output = Answer> + 'a> {
    let cores = available_parallelism().map_or(1, usize::from);
    let (all, taken) = (8, (cores / 2).clamp(1, 4) + 2);
    let attempts = (0..all).map(|_| log_in(app, address, ("made-up", "wrong")));
    let mut attempts: FuturesUnordered<_> = attempts.collect();
    for _ in taken..all {
        let refused = attempts.next().await.unwrap();
        refused.refused(503, "busy");
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
    taken.refused(409, "username_taken");
    let uninvited = register(&invited, address, "ben").await;
    let uninvited = uninvited.refused(422, "invalid");
    assert_eq!(uninvited["errors"][0]["field"], "invite");
    gate.set_shut(false);
    drop(waiting);
}

#[tokio::test]
async fn busy_registration_costs_nothing() {
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
        register(&app, address, "ben").await.refused(503, "busy");
    }
    gate.set_shut(false);
    waiting.for_each(async |_| ()).await;
    // Of two there is one left: this refusal costs it.
    register(&app, address, "ann")
        .await
        .refused(409, "username_taken");
    register(&app, address, "ben")
        .await
        .refused(429, "rate_limited");
}

/// A browser that logged in before takes the place of a stranger's attempt.
#[tokio::test]
async fn device_cookie_goes_before_strangers() {
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
    by_browser("ben").await.refused(503, "busy");
    let known = by_browser("ann");
    let opening = async {
        // A stranger is dropped for it before the gate opens.
        waiting.next().await.unwrap().refused(503, "busy");
        gate.set_shut(false);
    };
    let (known, ()) = tokio::join!(known, opening);
    known.expect(200);
}
