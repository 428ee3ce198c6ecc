//! `/metrics`: access, formats and values.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use clap::{Args, FromArgMatches};
use reqwest::Method;
use tidings::config::{SettingOverrides, Settings};

use crate::support::{TestApp, TestSite, TestSocket, until, within};

const TOKEN: &str = "a-token-that-nobody-knows";

/// Starts a server that serves metrics on the public port, with a token.
async fn behind_a_token() -> TestApp {
    TestApp::builder().settings(set_token).spawn().await
}

fn set_token(settings: &mut Settings) {
    let matches = SettingOverrides::augment_args(clap::Command::new("tidings"))
        .mut_args(|arg| arg.env(None::<&str>))
        .get_matches_from(["tidings", "--metrics-token", TOKEN]);
    let overrides = SettingOverrides::from_arg_matches(&matches).unwrap();
    settings.metrics = Settings::resolve(overrides).unwrap().metrics;
}

fn set_listener(settings: &mut Settings) {
    settings.metrics.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
}

/// Returns the metrics as OpenMetrics.
async fn scrape(site: &TestSite) -> String {
    // The header that Prometheus sends.
    let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*;q=0.2";
    let (kind, text) = scrape_as(site, Some(accept)).await;
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(text.ends_with("# EOF\n"));
    text
}

/// Returns the content type and the text of the metrics for this `Accept`
/// header.
async fn scrape_as(site: &TestSite, accept: Option<&str>) -> (String, String) {
    let mut request = site.request(Method::GET, "/metrics").bearer_auth(TOKEN);
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    let answer = within("an answer", request.send()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["vary"], "Accept");
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    (kind, answer.text().await.unwrap())
}

/// Returns the value of each sample by its name with labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    samples.collect()
}

/// Without OpenMetrics in `Accept`, the response is text that every scraper
/// reads.
#[tokio::test]
async fn metrics_without_accept_are_prometheus_text() {
    let app = behind_a_token().await;
    let site = app.site();
    let names = |text: &str| samples(text).into_keys().collect::<Vec<_>>();
    // After one scrape, `/metrics` itself has samples.
    scrape(site).await;
    let open_metrics = names(&scrape(site).await);
    for accept in [None, Some("*/*"), Some("text/plain"), Some("text/html")] {
        let (kind, text) = scrape_as(site, accept).await;
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(
            names(&text),
            open_metrics,
            "both formats have the same samples"
        );
        check_prometheus_text(&text);
    }
}

/// Checks that each metric family has `HELP` and `TYPE` lines, followed by
/// samples with the family's name.
fn check_prometheus_text(text: &str) {
    let mut family = ("", "");
    let mut helped = "";
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] => {
                assert!(!help.is_empty());
                helped = name;
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(name, helped);
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
                family = (name, kind);
            }
            ["#", ..] => panic!("{line}"),
            _ => {
                let name = line.split(['{', ' ']).next().unwrap();
                let suffixes: &[&str] = match family.1 {
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                let is_of_family = |suffix: &&str| name == format!("{}{suffix}", family.0);
                assert!(suffixes.iter().any(is_of_family), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn metrics_are_off_by_default() {
    let app = TestApp::spawn().await;
    app.get("/metrics").await.expect_problem(404, "not_found");
    app.get("/metrics/").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn metrics_without_token_are_not_found() {
    let app = behind_a_token().await;
    let ann = app.register_user("ann").await;
    app.get("/metrics").await.expect_problem(404, "not_found");
    ann.get("/metrics").await.expect_problem(404, "not_found");
    let site = app.site();
    for wrong in ["", "a-token-that-nobody-know", "a-token-that-nobody-knows-"] {
        let request = site.request(Method::GET, "/metrics").bearer_auth(wrong);
        site.send(request).await.expect_problem(404, "not_found");
    }
    // Other methods don't reveal the endpoint either.
    app.post("/metrics", serde_json::json!({}))
        .await
        .expect_problem(404, "not_found");
    scrape(site).await;
}

#[tokio::test]
async fn separate_listener_replaces_public_metrics() {
    let app = TestApp::builder().settings(set_listener).spawn().await;
    app.get("/metrics").await.expect_problem(404, "not_found");
    let metrics = app.metrics();
    scrape(metrics).await;
    for path in ["/", "/healthz", "/api/me", "/login"] {
        let request = metrics.request(Method::GET, path);
        metrics.send(request).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn separate_listener_requires_the_token() {
    let both = |settings: &mut Settings| {
        set_token(settings);
        set_listener(settings);
    };
    let app = TestApp::builder().settings(both).spawn().await;
    let site = app.site();
    let request = site.request(Method::GET, "/metrics").bearer_auth(TOKEN);
    site.send(request).await.expect_problem(404, "not_found");
    let metrics = app.metrics();
    let request = metrics.request(Method::GET, "/metrics");
    metrics.send(request).await.expect_problem(404, "not_found");
    scrape(metrics).await;
}

/// Checks that each route that used the database has a sample of its database
/// time.
#[track_caller]
fn assert_database_times(samples: &BTreeMap<String, f64>) {
    for route in ["journal", "sockets", "/api/connections"] {
        let name = format!("tidings_database_milliseconds_total{{route=\"{route}\"}}");
        assert!(samples.contains_key(&name), "{name}: {samples:?}");
    }
}

#[tokio::test]
async fn metrics_count_messages_and_requests() {
    let app = behind_a_token().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.chat_socket(id).await;
    let before = samples(&scrape(app.site()).await);
    assert_eq!(before["tidings_sessions"], 2.0);
    // Two sockets and at least the scraper's connection.
    assert!(before["tidings_connections"] >= 3.0);
    assert_eq!(before["tidings_people_online"], 2.0);
    assert_eq!(before["tidings_rooms"], 1.0);
    assert_eq!(before["tidings_messages_total"], 1.0);
    for seq in 2..12 {
        there.send_text("Hello").await;
        assert_eq!(there.expect_message().await["seq"], seq);
        here.expect_message().await;
    }
    there.send_text("").await;
    there.expect_error("text_empty").await;
    app.get("/api/nothing/here/7")
        .await
        .expect_problem(404, "not_found");
    app.get("/api/users/nobody-7")
        .await
        .expect_problem(401, "unauthenticated");

    // The Journal may answer its last entries a moment later.
    let after = until("the journal to be idle", async || {
        let after = samples(&scrape(app.site()).await);
        (after["tidings_journal_waiting"] == 0.0 && after["tidings_room_commands"] == 0.0)
            .then_some(after)
    })
    .await;
    let rise = |name: &str| after[name] - before[name];
    assert_eq!(rise("tidings_messages_total"), 10.0);
    assert_eq!(rise("tidings_frames_received_total"), 11.0);
    assert!(rise("tidings_frames_sent_total") >= 21.0);
    assert!(rise("tidings_frames_sent_bytes_total") > 21.0 * 30.0);
    assert!(rise("tidings_deliveries_total") >= 20.0);
    assert!(rise("tidings_journal_entries_total") >= 10.0);
    assert!(rise("tidings_journal_commit_seconds_count") >= 1.0);
    assert_eq!(
        rise("tidings_journal_batch_entries_sum"),
        rise("tidings_journal_entries_total")
    );
    assert!(rise("tidings_fan_out_seconds_count") >= 1.0);
    assert_eq!(rise("tidings_refusals_total{code=\"text_empty\"}"), 1.0);
    assert_eq!(rise("tidings_refusals_total{code=\"not_found\"}"), 1.0);
    assert_eq!(
        rise("tidings_refusals_total{code=\"unauthenticated\"}"),
        1.0
    );
    let route = |route: &str, status: &str| {
        after[&format!("tidings_http_requests_total{{route=\"{route}\",status=\"{status}\"}}")]
    };
    assert_eq!(route("/api/users/{username}", "4xx"), 1.0);
    assert_eq!(route("/ws/chat/{id}", "1xx"), 1.0);
    assert_database_times(&after);
    let took = "tidings_http_request_seconds_count{route=\"/api/users/{username}\"}";
    assert_eq!(after[took], 1.0);
    assert!(route("none", "4xx") >= 1.0);
    assert_eq!(route("/api/conversations/{id}/messages", "2xx"), 1.0);
}

#[tokio::test]
async fn evicted_session_is_counted() {
    let app = TestApp::builder()
        .settings(|settings| {
            set_token(settings);
            settings.session_buffer = 32 * 1024;
            settings.limits.session_buffer_max = 64 * 1024;
        })
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut stalled = TestSocket::open_unbuffered(&ben, &format!("/ws/chat/{id}/")).await;
    stalled.expect("hello").await;
    let mut sender = ann.chat_socket(id).await;
    let text = "x".repeat(9_000);
    // These messages exceed all buffers between the server and a client that
    // doesn't read.
    for _ in 0..200 {
        sender.send_text(&text).await;
        sender.expect_message().await;
    }
    let now = samples(&scrape(app.site()).await);
    assert_eq!(now["tidings_sessions_evicted_total"], 1.0);
    drop(stalled);
}

/// A session above its budget without progress is evicted even without further
/// deliveries. A session that exceeds its budget but reads is kept.
#[tokio::test]
async fn stalled_session_is_evicted_without_deliveries() {
    let app = TestApp::builder()
        .settings(|settings| {
            set_token(settings);
            settings.session_buffer = 32 * 1024;
            settings.timings.stall_within = std::time::Duration::from_secs(3);
        })
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut stalled = TestSocket::open_unbuffered(&ben, &format!("/ws/chat/{id}/")).await;
    stalled.expect("hello").await;
    let mut sender = ann.chat_socket(id).await;
    let message = serde_json::json!({ "type": "message", "message": "x".repeat(9_000) });
    for _ in 0..10 {
        sender.send_together(vec![message.clone(); 15]).await;
        for _ in 0..15 {
            sender.expect_message().await;
        }
    }
    crate::support::until("the session to be evicted", async || {
        let now = samples(&scrape(app.site()).await);
        (now["tidings_sessions_evicted_total"] == 1.0).then_some(())
    })
    .await;
    sender.expect_nothing_until_pong().await;
    drop(stalled);
}

/// Dashboards and alerts depend on these names. No label holds an id, so the
/// number of samples doesn't grow with users and conversations.
#[tokio::test]
async fn metric_names_are_stable_without_ids() {
    let app = behind_a_token().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    ann.history(id).await;
    let once = scrape(app.site()).await;
    for name in ["cleo", "dora"] {
        let other = app.register_user(name).await;
        ann.connect_with(&other).await;
        let id = other.open_direct_used(&ann).await;
        ann.history(id).await;
        ann.get(&format!("/api/users/{name}/")).await.expect(200);
    }
    ann.get("/api/users/ben/").await.expect(200);
    let first = scrape(app.site()).await;
    let later = scrape(app.site()).await;
    let names = |text: &str| samples(text).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&first), names(&later));
    // `first` has two routes more than `once`: the profile, and `/metrics`,
    // which is counted only after its response.
    let routes = |text: &str| {
        let names = names(text);
        let requests = names
            .iter()
            .filter(|name| name.starts_with("tidings_http_requests_total"));
        requests.count() / 5
    };
    assert_eq!(routes(&first), routes(&once) + 2);
    let kinds = first.lines().filter(|line| line.starts_with("# TYPE "));
    let kinds = kinds.collect::<Vec<_>>().join("\n");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("metrics", kinds));
}
