//! Log lines of the target `security`.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{BinaryServer, PASSWORD, TestBinary, TestUser};

/// Returns the log lines of the target `security`.
fn lines(log: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let of_target = |line: &Value| line["target"] == "security";
    lines.filter(of_target).collect()
}

fn events(log: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = lines(log);
    let fields = lines.iter().map(|line| &line["fields"]);
    fields
        .map(|fields| (text(&fields["event"]), text(&fields["account"])))
        .collect()
}

async fn stop(binary: &TestBinary, mut serving: BinaryServer) -> String {
    serving.signal("TERM").await;
    assert!(serving.wait_for_exit().await.success());
    binary.log()
}

async fn try_password(serving: &BinaryServer, name: &str, password: &str) -> u16 {
    let body = json!({ "username": name, "password": password });
    let request = serving.site.request(Method::POST, "/api/auth/login/");
    serving.site.send(request.json(&body)).await.status
}

/// Sends requests with Ann's cookie: one from another origin, and one without a
/// CSRF token.
async fn ask_from_elsewhere(serving: &BinaryServer, ann: &TestUser) {
    let cookie = format!("tidings={}", ann.token);
    let handshake = serving.site.request(Method::GET, "/ws/");
    let handshake = handshake
        .header("cookie", &cookie)
        .header("origin", "https://evil.example");
    let handshake = handshake
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let refused = serving.site.send(handshake).await;
    refused.expect_problem(403, "bad_origin");
    let form = serving.site.request(Method::PATCH, "/api/me/");
    let form = form
        .header("cookie", &cookie)
        .json(&json!({ "about": "x" }));
    serving
        .site
        .send(form)
        .await
        .expect_problem(403, "csrf_failed");
}

#[tokio::test]
async fn security_events_are_logged_without_secrets() {
    let binary = TestBinary::migrated().await;
    let serving = binary
        .serve(&[
            ("TIDINGS_LOG_FORMAT", "json"),
            ("TIDINGS_RATE_LIMITS", "account-logins=2,registrations=1"),
        ])
        .await;
    let ann = TestUser::register(&serving.site, "Ann").await;
    let body = json!({ "username": "ben", "password": PASSWORD });
    let second = serving.site.request(Method::POST, "/api/auth/register/");
    let second = serving.site.send(second.json(&body)).await;
    second.expect_problem(429, "rate_limited");
    assert_eq!(try_password(&serving, "ann", PASSWORD).await, 200);
    assert_eq!(
        try_password(&serving, "a-secret-typed-here", "x").await,
        401
    );
    let change =
        |current: &str| json!({ "current_password": current, "new_password": "another-secret" });
    let wrong = ann.post("/api/me/password/", change("wrong-secret")).await;
    wrong.expect_problem(422, "invalid");
    ann.post("/api/me/password/", change(PASSWORD))
        .await
        .expect(204);
    assert_eq!(try_password(&serving, "ann", "wrong-secret").await, 401);
    assert_eq!(try_password(&serving, "ann", "wrong-secret").await, 429);
    ask_from_elsewhere(&serving, &ann).await;

    let log = stop(&binary, serving).await;
    let expected = [
        ("registration", "Ann"),
        ("registration_limited", ""),
        ("login_right", "Ann"),
        ("login_wrong", ""),
        ("password_wrong", "Ann"),
        ("password_changed", "Ann"),
        ("login_wrong", "Ann"),
        ("login_limited", "Ann"),
        ("origin_refused", ""),
        ("csrf_refused", "Ann"),
    ];
    let expected = expected.map(|(event, account)| (event.to_owned(), account.to_owned()));
    assert_eq!(events(&log), expected, "{log}");
    for line in lines(&log) {
        assert_eq!(line["fields"]["address"], "127.0.0.1", "{line}");
    }
    for secret in ["secret", PASSWORD, &ann.token] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn flood_of_refusals_is_summed_up() {
    const REFUSED: u64 = 300;
    let binary = TestBinary::migrated().await;
    let serving = binary.serve(&[("TIDINGS_LOG_FORMAT", "json")]).await;
    let began = Instant::now();
    for _ in 0..REFUSED {
        let request = serving.site.request(Method::POST, "/login");
        let form = request.header("content-type", "application/x-www-form-urlencoded");
        let page = form.body("username=ann&password=x").send().await.unwrap();
        assert_eq!(page.status(), 403);
    }
    // The limit of lines is per second, so a slow machine may write more.
    let seconds = began.elapsed().as_secs() + 1;
    let log = stop(&binary, serving).await;
    let refused = lines(&log)
        .into_iter()
        .filter(|line| line["fields"]["event"] == "csrf_refused");
    let (sums, written): (Vec<Value>, Vec<Value>) =
        refused.partition(|line| line["fields"]["left_out"].is_u64());
    let written = u64::try_from(written.len()).unwrap();
    assert!(written <= 10 * seconds, "{written} lines in {seconds} s");
    let left_out = sums
        .iter()
        .map(|line| line["fields"]["left_out"].as_u64().unwrap());
    assert_eq!(written + left_out.sum::<u64>(), REFUSED);
}
