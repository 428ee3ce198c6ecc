//! The engine's pulse on the overview page and on the admins' socket.

use std::net::Ipv4Addr;
use std::time::Duration;

use entity::{Millis, UserId};
use reqwest::Method;
use serde_json::{Value, json};
use tidings::config::RateLimits;
use tidings::store::{AccountRole, AuditContext};

use super::{Keeper, admin};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestSocket, TestUser, TokenTransport};

async fn quick() -> TestApp {
    let builder = TestApp::builder().settings(|settings| {
        settings.timings.pulse_every = Duration::from_millis(50);
        settings.timings.login_check_every = Duration::from_millis(50);
    });
    builder.spawn().await
}

async fn watch(person: &TestUser) -> TestSocket {
    TestSocket::open(person, "/ws/admin/", TokenTransport::Bearer).await
}

#[tokio::test]
async fn admin_socket_sends_engine_figures() {
    let app = quick().await;
    let root = admin(&app, "root").await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let _here = ben.socket("/ws/").await;
    let mut socket = watch(&root).await;
    let mut last = String::new();
    let (mut sends, mut deliveries, mut commit) = (0.0, 0.0, 0.0);
    ann.send(id, "Hello").await.expect(201);
    while sends == 0.0 || deliveries == 0.0 {
        let pulse = socket.expect("pulse").await;
        assert_eq!(pulse["every"], 50);
        for sample in pulse["samples"].as_array().unwrap() {
            let at = sample["at"].as_str().unwrap().to_owned();
            assert!(at > last, "{at} after {last}");
            last = at;
            let figure = |name: &str| sample[name].as_f64().unwrap();
            sends = f64::max(sends, figure("sends"));
            deliveries = f64::max(deliveries, figure("deliveries"));
            commit = f64::max(commit, figure("commit"));
            // The first samples include the message sent before the first
            // pulse.
            if deliveries > 0.0 {
                assert!(figure("rooms") >= 1.0, "{sample}");
                assert_eq!(figure("sessions"), 1.0, "a watching admin has no session");
                assert_eq!(figure("people"), 1.0);
            }
        }
    }
    assert!(commit > 0.0);
    assert_wire!("pulse", redacted(socket.expect("pulse").await));
}

/// Replaces the figures, which differ on each run, and keeps one sample.
fn redacted(mut pulse: Value) -> Value {
    for sample in pulse["samples"].as_array_mut().unwrap() {
        for (name, value) in sample.as_object_mut().unwrap() {
            if name != "at" {
                assert!(value.is_number(), "{name}: {value}");
                *value = Value::from("[number]");
            }
        }
    }
    let first = pulse["samples"][0].take();
    pulse["samples"] = Value::Array(vec![first]);
    pulse
}

#[tokio::test]
async fn demotion_closes_admin_socket() {
    let app = quick().await;
    let root = admin(&app, "root").await;
    let other = admin(&app, "other").await;
    let mut demoted = watch(&root).await;
    let mut revoked = watch(&other).await;
    let mut stays = watch(&other.log_in_again().await).await;
    let store = app.store().await;
    let act = AuditContext::from_command_line(Millis::now());
    let id = UserId(root.id);
    store
        .accounts()
        .set_role(id, AccountRole::Member, &act)
        .await
        .unwrap();
    store.close().await;
    other.post("/api/auth/logout/", Value::Null).await;
    for socket in [&mut demoted, &mut revoked] {
        assert_eq!(socket.wait_for_close().await, 4401);
    }
    stays.expect("pulse").await;
    watch_is_refused(&root).await;
}

async fn watch_is_refused(person: &TestUser) {
    person
        .try_upgrade("/ws/admin/")
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn server_stop_closes_admin_socket() {
    let mut app = quick().await;
    let root = admin(&app, "root").await;
    let mut socket = watch(&root).await;
    socket.expect("pulse").await;
    let (code, ()) = tokio::join!(socket.wait_for_close(), app.stop());
    assert_eq!(code, 1001);
}

#[tokio::test]
async fn overview_warns_of_unsafe_settings() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.rates = RateLimits {
                account_logins: None,
                ..RateLimits::standard()
            };
            settings.metrics.listen = Some((Ipv4Addr::UNSPECIFIED, 0).into());
        })
        .spawn()
        .await;
    let mut keeper = Keeper::at(&app).await;
    let page = keeper.get("/admin").await.expect(200);
    page.check_page();
    assert!(
        page.text
            .contains("no limit of account-logins. Passwords can be guessed")
    );
    assert!(
        page.text
            .contains("The metrics on 0.0.0.0:0 are open to anyone")
    );
    assert!(
        page.text
            .contains("<dt>Wrong passwords per account</dt><dd>no limit</dd>")
    );
}

#[tokio::test]
async fn overview_warns_of_untrusted_proxy() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let page = keeper.get("/admin").await.expect(200);
    assert!(!page.text.contains("X-Forwarded-For"));
    let body = json!({ "username": "nobody", "password": "wrong" });
    let request = app.site().request(Method::POST, "/api/auth/login/");
    let request = request.header("x-forwarded-for", "203.0.113.7").json(&body);
    app.site()
        .send(request)
        .await
        .expect_problem(401, "bad_credentials");
    let page = keeper.get("/admin").await.expect(200);
    let warning = "Requests from 127.0.0.1 name other addresses in X-Forwarded-For";
    assert!(page.text.contains(warning), "{}", page.text);
}

#[tokio::test]
async fn overview_warns_of_missing_proxy() {
    let proxied = crate::people::settings(&["--public-url", "https://chat.example.org"]);
    let app = TestApp::builder()
        .settings(|settings| settings.public_url = proxied.public_url)
        .spawn()
        .await;
    let mut keeper = Keeper::at(&app).await;
    let page = keeper.get("/admin").await.expect(200);
    assert!(page.text.contains("no proxy is named"), "{}", page.text);
}

#[tokio::test]
async fn overview_shows_settings_and_figures() {
    let app = TestApp::builder()
        .settings(|settings| settings.listen = (Ipv4Addr::UNSPECIFIED, 0).into())
        .spawn()
        .await;
    let mut keeper = Keeper::at(&app).await;
    let page = keeper.get("/admin").await.expect(200);
    page.check_page();
    for said in [
        "over plain HTTP",
        "Anyone who can reach this server can create an account.",
        env!("CARGO_PKG_VERSION"),
        "data-figure=\"commit\"",
        "<dt>Database size</dt>",
        "0.0.0.0:0",
        "<dt>Messages sent</dt>",
        "<dt>Metrics</dt><dd>off</dd>",
        "<dt>Trusted proxies</dt><dd>none</dd>",
        "<dt>Wrong passwords per account</dt>",
    ] {
        assert!(page.text.contains(said), "{said}");
    }
    assert!(!page.text.contains("<dd>0 bytes</dd>"));
}
