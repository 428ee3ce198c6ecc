//! Requests whose body never arrives. A refusal that doesn't depend on the body
//! comes at once, and before a login only a small body is read.

use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tidings::config::{RateLimit, RateLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::pages::Browser;
use crate::support::{PASSWORD, TestApp, within};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const JSON: &str = "Content-Type: application/json";
const LONG: &str = "Content-Length: 200000";

/// Sends a request's head without its body. Returns the response's status and
/// text.
async fn unsent(app: &TestApp, first: &str, headers: &[&str]) -> (u16, String) {
    sent(app, (first, headers), "").await
}

/// Sends a request's head and a part of its body. Returns the response's status
/// and text.
async fn sent(app: &TestApp, (first, headers): (&str, &[&str]), body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(app.site().address()).await.unwrap();
    let lines = headers.join("\r\n");
    let head = format!("{first} HTTP/1.1\r\nHost: here\r\n{lines}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = async {
        while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{first}");
        }
    };
    within("an answer without the body", read).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

/// Returns the cookie of an active login and that of an ended one.
async fn cookies(app: &TestApp) -> [String; 2] {
    app.register_user("ann").await;
    let mut cookies = Vec::new();
    for ends in [false, true] {
        let mut browser = Browser::at(app);
        browser.log_in("ann").await.expect(303);
        cookies.push(format!(
            "Cookie: tidings={}",
            browser.cookie("tidings").unwrap()
        ));
        if ends {
            browser.get("/settings").await.expect(200);
            browser.submit("/logout", &[]).await.expect(303);
        }
    }
    cookies.try_into().unwrap()
}

#[tokio::test]
async fn refusals_do_not_wait_for_body() {
    let app = TestApp::spawn().await;
    let [live, ended] = &cookies(&app).await;
    let none = "Cookie: tidings=x";
    for cookie in [live, ended, none] {
        for (first, status) in [
            ("POST /nowhere", 404),
            ("POST /api/nowhere", 404),
            ("POST /admin/users/new", 404),
            ("PUT /admin/audit", 404),
            ("DELETE /settings/profile", 405),
            ("POST /api/users", 405),
            ("PATCH /login", 405),
        ] {
            let (found, answer) = unsent(&app, first, &[cookie, FORM, LONG]).await;
            assert_eq!(found, status, "{first} with {cookie}: {answer}");
        }
    }
    for cookie in [&**ended, none] {
        let (status, answer) = unsent(&app, "POST /settings/profile", &[cookie, FORM, LONG]).await;
        assert_eq!(status, 303, "{answer}");
        assert!(
            answer.to_lowercase().contains("location: /login"),
            "{answer}"
        );
        for first in ["POST /api/blocks", "PATCH /api/me", "POST /api/connections"] {
            let (status, answer) = unsent(&app, first, &[cookie, JSON, LONG]).await;
            let expected = if first.ends_with("blocks") { 405 } else { 401 };
            assert_eq!(status, expected, "{first}: {answer}");
        }
    }
    // A content type that the endpoint doesn't accept.
    let ben = app.register_user("ben").await;
    let bearer = format!("Authorization: Bearer {}", ben.token);
    let plain = "Content-Type: text/plain";
    let (status, _) = unsent(&app, "PATCH /api/me", &[&bearer, plain, LONG]).await;
    assert_eq!(status, 415);
}

#[tokio::test]
async fn limit_refuses_before_body() {
    let rate = |burst| {
        Some(RateLimit {
            burst: NonZeroU32::new(burst).unwrap(),
            interval: Duration::from_secs(3600),
        })
    };
    let app = TestApp::builder()
        .settings(move |settings| {
            settings.rates = RateLimits {
                requests: rate(1),
                sends: rate(1),
                ..RateLimits::off()
            };
        })
        .spawn()
        .await;
    let ann = app.register_user("ann").await;
    ann.get("/api/me/").await.expect(200);
    let cookie = format!("Cookie: tidings={}", ann.token);
    let bearer = format!("Authorization: Bearer {}", ann.token);
    for login in [cookie, bearer] {
        let (status, _) = unsent(&app, "POST /settings/profile", &[&login, FORM, LONG]).await;
        assert_eq!(status, 429);
    }
}

/// Covers the endpoints that need no login.
#[tokio::test]
async fn body_before_login_is_small() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    for (path, kind) in [
        ("/api/auth/login", JSON),
        ("/api/auth/register", JSON),
        ("/login", FORM),
        ("/register", FORM),
        ("/reset", FORM),
    ] {
        let first = format!("POST {path}");
        let (status, answer) = unsent(&app, &first, &[kind, "Content-Length: 8193"]).await;
        assert_eq!(status, 413, "{path}: {answer}");
        // A chunked body, which announces no length.
        let chunks = format!("400\r\n{}\r\n", " ".repeat(1024)).repeat(9);
        let headers = [kind, "Transfer-Encoding: chunked"];
        let (status, answer) = sent(&app, (&first, &headers), &chunks).await;
        assert_eq!(status, 413, "{path}: {answer}");
    }
    let body = json!({ "username": "ann", "password": PASSWORD }).to_string();
    for (length, status) in [(8192, 200), (8193, 413)] {
        let request = app.site().request(Method::POST, "/api/auth/login/");
        let request = request.header("content-type", "application/json");
        let request = request.body(format!("{body:<length$}"));
        assert_eq!(app.site().send(request).await.status, status, "{length}");
    }
}
