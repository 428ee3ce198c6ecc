//! Storage limits: text per account and day, and all new data while the disk is
//! nearly full.

use reqwest::Method;
use serde_json::json;
use tidings::config::{DatabaseUrl, Settings};

use crate::admin::admin;
use crate::pages::Browser;
use crate::support::{PASSWORD, TestApp, TestUser};

/// A message of 40,000 bytes: only one fits into the daily limit of these
/// tests.
fn long() -> String {
    "💬".repeat(10_000)
}

async fn patch(person: &TestUser, path: &str, text: &str) -> crate::support::ApiResponse {
    let request = person.site.request(Method::PATCH, path);
    let request = request.bearer_auth(&person.token);
    person
        .site
        .send(request.json(&json!({ "text": text })))
        .await
}

#[tokio::test]
async fn daily_text_is_limited_by_account() {
    let small_day = |it: &mut Settings| it.text_per_day = 64 * 1024;
    let app = TestApp::builder().settings(small_day).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    let first = ann.send_as(id, &long(), "first").await.expect(201);
    let refused = ann.send(id, &long()).await;
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=24 * 3600).contains(&seconds), "until midnight");
    let problem = refused.expect_problem(429, "rate_limited");
    assert_eq!(problem["retry_after"], seconds);
    // A retry of a stored message is answered as before.
    ann.send_as(id, &long(), "first").await.expect(200);

    let by_name = json!({ "message": long() });
    let by_name = ann.post("/messages/send/ben/", by_name).await;
    by_name.expect_problem(429, "rate_limited");
    let message = format!("/api/conversations/{id}/messages/{}/", first["id"]);
    let edited = patch(&ann, &message, &long()).await;
    edited.expect_problem(429, "rate_limited");
    let mut socket = ann.chat_socket(id).await;
    socket.send_text(&long()).await;
    socket.expect_error("rate_limited").await;

    // Smaller messages still fit, and other accounts are not affected.
    socket.send_text("Short").await;
    socket.expect_message().await;
    ben.send(id, &long()).await.expect(201);
    let path = format!("/api/conversations/{id}/messages/{}/", first["id"]);
    ann.delete(&path).await.expect(204);
    ann.history(id).await;
}

/// On PostgreSQL, whose disk the server can't see, nothing is refused.
#[tokio::test]
async fn low_disk_refuses_only_new_data() {
    let with_metrics = |it: &mut Settings| it.metrics.listen = Some(([127, 0, 0, 1], 0).into());
    let mut app = TestApp::builder().settings(with_metrics).spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    admin(&app, "root").await;
    let id = ann.open_direct_used(&ben).await;
    let first = ann.send_as(id, "First", "first").await.expect(201);
    let second = ann.send(id, "Second").await.expect(201);
    app.restart_with(|it| it.disk_reserve = u64::MAX).await;
    if matches!(app.database().url(), DatabaseUrl::Postgres(_)) {
        ann.send(id, "Hello").await.expect(201);
        assert_eq!(app.get("/healthz").await.expect(200)["status"], "ok");
        return;
    }
    let message = |message: &serde_json::Value| {
        format!("/api/conversations/{id}/messages/{}/", message["id"])
    };

    let refused = ann
        .send(id, "Hello")
        .await
        .expect_problem(503, "unavailable");
    assert!(refused["detail"].as_str().unwrap().contains("nearly full"));
    let edited = patch(&ann, &message(&first), "Changed").await;
    edited.expect_problem(503, "unavailable");
    let group = json!({ "title": "Crew", "usernames": ["ben"] });
    let group = ann.post("/api/conversations/create/", group).await;
    group.expect_problem(503, "unavailable");
    let account = json!({ "username": "cleo", "password": PASSWORD });
    let account = app.post("/api/auth/register/", account).await;
    account.expect_problem(503, "unavailable");
    let mut socket = ann.chat_socket(id).await;
    socket.send_text("Hello").await;
    socket.expect_error("unavailable").await;

    // Everything else still works.
    ann.send_as(id, "First", "first").await.expect(200);
    app.log_in("ann").await.expect(200);
    let read = json!({ "message_id": second["id"] });
    let read = ben
        .post(&format!("/api/conversations/{id}/read/"), read)
        .await;
    read.expect(204);
    ann.delete(&message(&second)).await.expect(204);
    assert_eq!(ben.history(id).await.len(), 3);
    let names = [("username", "zoe"), ("display_name", "Zoe")];
    let mut browser = Browser::at(&app);
    browser.log_in("root").await.expect(303);
    browser.get("/admin/users/new").await.expect(200);
    browser.submit("/admin/users/new", &names).await.expect(200);

    // Operators see the low disk in the health check, the overview and the
    // metrics.
    assert_eq!(app.get("/healthz").await.expect(200)["status"], "disk_low");
    let overview = browser.get("/admin").await.expect(200);
    assert!(overview.text.contains("The disk of the database has"));
    let metrics = app.metrics().request(Method::GET, "/metrics");
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("tidings_disk_low 1\n"), "{metrics}");

    app.restart_with(|it| it.disk_reserve = 0).await;
    ann.send(id, "Hello").await.expect(201);
    assert_eq!(app.get("/healthz").await.expect(200)["status"], "ok");
}
