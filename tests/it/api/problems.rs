//! Refusals of invalid requests: wrong method, path, login, body or field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ApiResponse, TestApp, TestUser};

/// Every path with its methods, and whether it needs a login.
const PATHS: [(&str, &str, bool); 33] = [
    ("/healthz", "GET, HEAD", false),
    ("/api/auth/register", "POST", false),
    ("/api/auth/login", "POST", false),
    ("/api/auth/logout", "POST", true),
    ("/api/auth/sessions", "GET, HEAD, DELETE", true),
    ("/api/auth/sessions/1", "DELETE", true),
    ("/api/me", "GET, HEAD, PATCH, DELETE", true),
    ("/api/me/password", "POST", true),
    ("/api/users", "GET, HEAD", true),
    ("/api/users/ann", "GET, HEAD", true),
    ("/api/blocks", "GET, HEAD", true),
    ("/api/blocks/ann", "PUT, DELETE", true),
    ("/api/connections", "GET, HEAD, POST", true),
    ("/api/connections/1", "DELETE", true),
    ("/api/connections/1/accept", "POST", true),
    ("/api/connections/1/decline", "POST", true),
    ("/api/conversations", "GET, HEAD", true),
    ("/api/conversations/create", "POST", true),
    ("/api/conversations/1", "GET, HEAD, PATCH", true),
    ("/api/conversations/1/me", "PATCH", true),
    ("/api/conversations/1/leave", "POST", true),
    ("/api/conversations/1/members", "GET, HEAD, POST", true),
    ("/api/conversations/1/members/ann", "PATCH, DELETE", true),
    ("/api/conversations/1/messages", "GET, HEAD, POST", true),
    ("/api/conversations/1/messages/1", "PATCH, DELETE", true),
    (
        "/api/conversations/1/messages/1/reactions/x",
        "PUT, DELETE",
        true,
    ),
    ("/messages/unread", "GET, HEAD", true),
    ("/messages/history/ann", "GET, HEAD", true),
    ("/messages/send/ann", "POST", true),
    ("/messages/status/ann", "GET, HEAD", true),
    ("/ws", "GET, HEAD", false),
    ("/ws/chat/1", "GET, HEAD", false),
    ("/ws/notifications", "GET, HEAD", false),
];

async fn ask(app: &TestApp, method: &str, path: &str) -> ApiResponse {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    app.site().send(app.site().request(method, path)).await
}

#[tokio::test]
async fn unsupported_method_lists_allowed_ones() {
    let app = TestApp::spawn().await;
    for (path, allowed, _) in PATHS {
        for slash in ["", "/"] {
            let path = format!("{path}{slash}");
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "BREW"] {
                if allowed.split(", ").any(|allowed| allowed == method) {
                    continue;
                }
                let answer = ask(&app, method, &path).await;
                assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
                answer.expect_problem(405, "method_not_allowed");
            }
        }
    }
}

#[tokio::test]
async fn private_paths_need_login() {
    let app = TestApp::spawn().await;
    for (path, allowed, is_private) in PATHS {
        // A response to HEAD has no body.
        let methods = allowed.split(", ").filter(|method| *method != "HEAD");
        for method in methods.filter(|_| is_private) {
            for slash in ["", "/"] {
                let answer = ask(&app, method, &format!("{path}{slash}")).await;
                let scheme = answer.header("www-authenticate");
                assert_eq!(scheme, Some("Bearer"), "{method} {path}");
                answer.expect_problem(401, "unauthenticated");
            }
        }
    }
}

#[tokio::test]
async fn trailing_slash_makes_no_difference() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for path in [
        "/api/me".to_owned(),
        "/api/connections".to_owned(),
        "/api/conversations".to_owned(),
        format!("/api/conversations/{id}"),
        format!("/api/conversations/{id}/messages"),
    ] {
        let without = ann.get(&path).await.expect(200);
        let with = ann.get(&format!("{path}/")).await.expect(200);
        assert_eq!(without, with, "{path}");
        let queried = ann.get(&format!("{path}/?limit=50")).await.expect(200);
        assert_eq!(queried, with, "{path}");
    }
    let path = format!("/api/conversations/{id}/messages");
    ann.post(&path, json!({ "text": "Hello" }))
        .await
        .expect(201);
}

#[tokio::test]
async fn unknown_path_is_not_found() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for path in [
        "/nothing",
        "/api",
        "/api/nothing/",
        "/api/conversations/ann/",
        "/api/conversations/-1/",
        "/api/conversations/1",
        "/api/conversations/1/messages/",
        // More digits than an id can have.
        "/api/conversations/99999999999999999999/",
        "/api/conversations/99999999999999999999/messages/",
        "/api/conversations/9223372036854775807/messages/",
        "/%ff/%00",
    ] {
        let answer = ann.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.expect_problem(404, "not_found");
    }
    let gone = ann.delete("/api/connections/99999999999999999999/").await;
    gone.expect_problem(404, "not_found");
    let gone = ann.delete("/api/connections/9223372036854775807/").await;
    gone.expect_problem(404, "not_found");
}

async fn post_raw(
    ann: &TestUser,
    kind: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> ApiResponse {
    let request = ann.site.request(Method::POST, "/api/connections/");
    let request = request.bearer_auth(&ann.token).body(body);
    let request = match kind {
        Some(kind) => request.header("content-type", kind),
        None => request,
    };
    ann.site.send(request).await
}

#[tokio::test]
async fn body_must_be_json_object() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let json = Some("application/json");
    for body in ["", "[]", "{", "null", "\"text\"", "7", r#"{"a":1} x"#] {
        let answer = post_raw(&ann, json, body).await;
        answer.expect_problem(400, "bad_json");
    }
    let broken = post_raw(&ann, json, vec![b'{', 0xff, b'}']).await;
    broken.expect_problem(400, "bad_json");
    let deep = "[".repeat(100_000);
    post_raw(&ann, json, deep)
        .await
        .expect_problem(400, "bad_json");
}

#[tokio::test]
async fn body_needs_json_content_type() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let body = r#"{"username":"nobody"}"#;
    let wrong = [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
    ];
    for kind in wrong {
        let answer = post_raw(&ann, kind, body).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    let right = post_raw(&ann, Some("Application/JSON; charset=utf-8"), body).await;
    right.expect_problem(422, "invalid");
}

#[tokio::test]
async fn oversized_body_is_refused() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.body_max = 1000)
        .spawn()
        .await;
    let ann = app.register_user("ann").await;
    let large = json!({ "username": "x".repeat(1000) }).to_string();
    let answer = post_raw(&ann, Some("application/json"), large).await;
    answer.expect_problem(413, "too_large");
    let fits = json!({ "username": "x".repeat(900) }).to_string();
    let answer = post_raw(&ann, Some("application/json"), fits).await;
    answer.expect_problem(422, "invalid");
}

#[tokio::test]
async fn wrong_field_is_named() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let fields = |body: Value| -> Vec<String> {
        let errors = body["errors"].as_array().unwrap().iter();
        let fields = errors.map(|error| error["field"].as_str().unwrap().to_owned());
        fields.collect()
    };
    let missing = ann.post("/api/connections/", json!({})).await;
    assert_eq!(fields(missing.expect_problem(422, "invalid")), ["username"]);
    let wrong = ann
        .post("/api/connections/", json!({ "username": 7 }))
        .await;
    assert_eq!(fields(wrong.expect_problem(422, "invalid")), ["username"]);
    let wrong = json!({ "text": "Hello", "client_id": [] });
    let wrong = ann.post("/api/conversations/1/messages/", wrong).await;
    assert_eq!(fields(wrong.expect_problem(422, "invalid")), ["client_id"]);
    // Unknown fields are ignored.
    let more = json!({ "username": "nobody", "more": true });
    let more = ann.post("/api/connections/", more).await;
    assert_eq!(fields(more.expect_problem(422, "invalid")), ["username"]);
}
