//! Requests with only a cookie need a CSRF token from our pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::LoginId;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tidings::auth::{CsrfTokens, Secret};

use super::Browser;
use crate::support::TestApp;

/// Returns the CSRF token that pages contain for the login of `jwt`.
pub(crate) fn token_of(app: &TestApp, jwt: &str) -> String {
    let claims = jwt.split('.').nth(1).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let secret = Secret::load_or_create(app.folder()).unwrap();
    let csrf = CsrfTokens::new(&secret).unwrap();
    csrf.issue_for_login(LoginId(claims["sid"].as_i64().unwrap()))
}

/// A form that isn't UTF-8 is refused even if only its CSRF token is malformed.
#[tokio::test]
async fn non_utf8_form_changes_nothing() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    browser.get("/settings").await.expect(200);
    let token = browser.token.clone();
    for body in [
        "csrf_token=%FF&display_name=Anna".to_owned(),
        format!("csrf_token={token}%E9&display_name=Anna"),
        format!("csrf_token={token}&display_name=caf%E9"),
        format!("csrf_token={token}&display_name=Anna&%C3=1"),
    ] {
        let request = browser.request(Method::POST, "/settings/profile");
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let refused = browser.send(request.body(body)).await.expect(400);
        assert!(refused.text.contains("bad_request"), "{}", refused.text);
    }
    let me = ann.get("/api/me/").await.expect(200);
    assert_eq!(me["display_name"], "ann");
}

#[tokio::test]
async fn cookie_without_token_changes_nothing() {
    let app = TestApp::spawn().await;
    let (_ann, ben) = app.register_connected("ann", "ben").await;
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    let jwt = browser.cookie("tidings").unwrap().to_owned();
    let right = token_of(&app, &jwt);
    let others = token_of(&app, &ben.token);
    let form_token = browser.token.clone();
    for (method, path) in [
        (Method::PATCH, "/api/me/"),
        (Method::POST, "/messages/send/ben/"),
        (Method::PUT, "/api/blocks/ben/"),
        (Method::DELETE, "/api/blocks/ben/"),
        (Method::POST, "/api/connections/"),
        (Method::POST, "/api/auth/logout/"),
    ] {
        let body = json!({ "about": "x", "message": "Hi", "username": "ben" });
        for token in [None, Some(&others), Some(&form_token), Some(&String::new())] {
            let mut request = browser.request(method.clone(), path).json(&body);
            if let Some(token) = token {
                request = request.header("x-csrf-token", token);
            }
            let refused = browser.send(request).await.expect(403);
            assert!(
                refused.text.contains("\"code\":\"csrf_failed\""),
                "{}",
                refused.text
            );
        }
        let request = browser.request(method, path).json(&body);
        let done = browser.send(request.header("x-csrf-token", &right)).await;
        assert!(done.status < 300, "{path}: {} {}", done.status, done.text);
    }
}

#[tokio::test]
async fn form_field_carries_the_token() {
    let app = TestApp::spawn().await;
    let (ann, _ben) = app.register_connected("ann", "ben").await;
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    let fields = [("message", "Hello")];
    let refused = browser
        .submit("/messages/send/ben/", &fields)
        .await
        .expect(403);
    assert!(refused.text.contains("csrf_failed"));
    let jwt = browser.cookie("tidings").unwrap().to_owned();
    browser.token = token_of(&app, &jwt);
    let sent = browser
        .submit("/messages/send/ben/", &fields)
        .await
        .expect(201);
    assert!(sent.text.contains("\"text\":\"Hello\""), "{}", sent.text);
    let seen = ann.get("/messages/history/ben/").await.expect(200);
    assert_eq!(seen["messages"].as_array().unwrap().len(), 1);
    // The server refuses an oversized form for its size, before it reads the
    // CSRF token.
    let request = browser
        .request(Method::POST, "/messages/send/ben/")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("x".repeat(300 * 1024));
    let refused = browser.send(request).await.expect(413);
    assert!(refused.text.contains("too_large"), "{}", refused.text);
}

/// Clients written for Django send the token under Django's names.
#[tokio::test]
async fn django_names_carry_the_token() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let mut browser = Browser::at(&app);
    let form = |token: &str, fields: &str| format!("csrfmiddlewaretoken={token}&{fields}");
    let post = |browser: &Browser, path: &str, body: String| {
        let request = browser.request(Method::POST, path).body(body);
        request.header(CONTENT_TYPE, "application/x-www-form-urlencoded")
    };
    // The form of a visitor.
    browser.get("/login").await.expect(200);
    let fields = "username=ann&password=correct+horse+battery";
    for (token, status) in [("x".repeat(86), 403), (browser.token.clone(), 303)] {
        let request = post(&browser, "/login", form(&token, fields));
        browser.send(request).await.expect(status);
    }
    // The forms and requests of a user.
    let jwt = browser.cookie("tidings").unwrap().to_owned();
    let (right, wrong) = (token_of(&app, &jwt), token_of(&app, &ben.token));
    for (token, status) in [(&wrong, 403), (&right, 201)] {
        let request = post(&browser, "/messages/send/ben/", form(token, "message=Hi"));
        browser.send(request).await.expect(status);
        let request = browser.request(Method::POST, "/messages/send/ben/");
        let request = request.header("X-CSRFToken", token);
        let request = request.json(&json!({ "message": "Hi" }));
        browser.send(request).await.expect(status);
    }
    let seen = ann.get("/messages/history/ben/").await.expect(200);
    assert_eq!(seen["messages"].as_array().unwrap().len(), 2);
    // The visitor's other forms.
    let mut other = Browser::at(&app);
    for (path, fields) in [
        ("/register", "username=dan&password=correct+horse+battery"),
        ("/reset", "token=AAAAAAAAAAAAAAAAAAAA"),
    ] {
        other.get(path).await.expect(200);
        let request = post(&other, path, form(&other.token, fields));
        let status = other.send(request).await.status;
        assert!([303, 404].contains(&status), "{path}: {status}");
    }
}

#[tokio::test]
async fn bearer_token_overrides_cookie() {
    let app = TestApp::spawn().await;
    let (_ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    let request = browser.request(Method::PATCH, "/api/me/");
    let request = request
        .bearer_auth(&ben.token)
        .json(&json!({ "about": "x" }));
    let me = browser.send(request).await.expect(200);
    assert!(me.text.contains("\"username\":\"ben\""), "{}", me.text);
    let request = browser
        .request(Method::GET, "/api/me/")
        .bearer_auth("nonsense");
    browser.send(request).await.expect(401);
    // A GET request changes nothing, so it needs no token.
    browser.get("/api/me/").await.expect(200);
}
