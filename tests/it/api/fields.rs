//! Each field is read separately: unused fields are ignored, and every invalid
//! field is listed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::admin::admin;
use crate::support::{ApiResponse, PASSWORD, TestApp, TestUser};

/// Returns valid JSON values that the server can't represent.
fn odd_values() -> [String; 4] {
    let deep = 100_000;
    [
        "1e999".to_owned(),
        r#""a\ud83d""#.to_owned(),
        format!("{}{}", "[".repeat(129), "]".repeat(129)),
        format!("{}{}", "[".repeat(deep), "]".repeat(deep)),
    ]
}

async fn raw(
    person: &TestUser,
    method: Method,
    path: &str,
    body: impl Into<String>,
) -> ApiResponse {
    let request = person.site.request(method, path);
    let request = request.bearer_auth(&person.token);
    let request = request.header("content-type", "application/json");
    person.site.send(request.body(body.into())).await
}

/// Returns the fields that a refusal lists.
fn fields(body: &Value) -> Vec<String> {
    let errors = body["errors"].as_array().unwrap().iter();
    errors
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn unused_fields_are_ignored() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let path = format!("/api/conversations/{id}/messages/");
    let mut socket = ann.socket("/ws/").await;
    for odd in odd_values() {
        for name in ["x", "\\ud83d", "title"] {
            let body = format!(r#"{{"{name}":{odd},"text":"Hi"}}"#);
            let sent = raw(&ann, Method::POST, &path, body).await.expect(201);
            assert_eq!(sent["text"], "Hi");
            socket.expect("message").await;
        }
        // A frame has at most 128 KiB, and the next one contains the value
        // twice.
        let odd = if odd.len() > 100_000 {
            "[".repeat(30_000) + &"]".repeat(30_000)
        } else {
            odd
        };
        let frame = format!(
            r#"{{"type":"message","conversation_id":{id},"client_id":"{}","message":"a","x":{odd},"after":{odd}}}"#,
            odd.len()
        );
        socket.send_raw(frame.into()).await;
        socket.expect("message").await;
    }
    socket.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn unrepresentable_used_field_is_named() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let messages = format!("/api/conversations/{id}/messages/");
    let mine = format!("/api/conversations/{id}/me/");
    let mut socket = ann.socket("/ws/").await;
    for odd in odd_values() {
        for (method, path, field, rest) in [
            (Method::POST, &*messages, "text", ""),
            (Method::POST, &*messages, "reply_to", r#""text":"Hi","#),
            (Method::POST, &*messages, "client_id", r#""text":"Hi","#),
            (Method::PATCH, &*mine, "muted_until", ""),
            (Method::PATCH, "/api/me/", "about", ""),
            (Method::POST, "/api/connections/", "username", ""),
            (
                Method::POST,
                "/api/conversations/create/",
                "usernames",
                r#""title":"T","#,
            ),
        ] {
            let body = format!(r#"{{{rest}"{field}":{odd}}}"#);
            let refused = raw(&ann, method, path, body)
                .await
                .expect_problem(422, "invalid");
            let named = fields(&refused);
            assert!(named[0].starts_with(field), "{path} {field}: {named:?}");
        }
    }
    let frame = format!(
        r#"{{"type":"message","conversation_id":{id},"client_id":"mine","message":"a\ud83d"}}"#
    );
    socket.send_raw(frame.into()).await;
    let error = socket.expect_error("invalid").await;
    assert_eq!(
        (&error["conversation_id"], &error["client_id"]),
        (&json!(id), &json!("mine"))
    );
    assert_eq!(fields(&error), ["message"]);
    assert_eq!(ann.history(id).await.len(), 1);
}

#[tokio::test]
async fn malformed_json_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut socket = ann.socket("/ws/").await;
    for text in [
        "{",
        "{\"a\":1,}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":+1}",
        "{\"a\":\"\\x\"}",
        "{'a':1}",
        "{\"a\":[1}",
        "\u{feff}{}",
    ] {
        let refused = raw(&ann, Method::PATCH, "/api/me/", text).await;
        refused.expect_problem(400, "bad_json");
        socket.send_raw(text.to_owned().into()).await;
        socket.expect_error("bad_json").await;
    }
}

/// A method, a path, a body and its invalid fields in order.
const FAULTY: [[&str; 4]; 16] = [
    [
        "POST",
        "/api/auth/register/",
        r#"{"username":"1","password":"x"}"#,
        "username password",
    ],
    [
        "POST",
        "/api/auth/register/",
        r#"{"display_name":"","invite":7,"password":"x","username":"1"}"#,
        "display_name invite password username",
    ],
    ["POST", "/api/auth/register/", "{}", "username password"],
    [
        "POST",
        "/api/auth/register/",
        r#"{"password":""}"#,
        "password username",
    ],
    [
        "POST",
        "/api/auth/login/",
        r#"{"password":[],"username":7}"#,
        "password username",
    ],
    [
        "PATCH",
        "/api/me/",
        r#"{"about":7,"display_name":" "}"#,
        "about display_name",
    ],
    [
        "POST",
        "/api/me/password/",
        r#"{"new_password":"x","current_password":"wrong"}"#,
        "new_password current_password",
    ],
    [
        "POST",
        "/api/me/password/",
        "{}",
        "current_password new_password",
    ],
    [
        "POST",
        "/api/admin/invites/",
        r#"{"expires_at":"x","uses":0}"#,
        "expires_at uses",
    ],
    [
        "POST",
        "/api/conversations/create/",
        r#"{"usernames":["ben","1","nobody"],"title":" "}"#,
        "usernames[1] usernames[2] title",
    ],
    [
        "POST",
        "/api/conversations/create/",
        r#"{"title":7,"usernames":["ben",7,"x",[]]}"#,
        "title usernames[1] usernames[3]",
    ],
    [
        "POST",
        "/api/conversations/create/",
        r#"{"title":""}"#,
        "title usernames",
    ],
    [
        "POST",
        "/api/conversations/{id}/messages/",
        r#"{"reply_to":"x","client_id":"","text":""}"#,
        "reply_to client_id text",
    ],
    [
        "POST",
        "/api/conversations/{id}/messages/",
        r#"{"reply_to":"x","client_id":"new","text":""}"#,
        "reply_to text",
    ],
    [
        "PATCH",
        "/api/conversations/{id}/me/",
        r#"{"pinned":1,"muted_until":"x","archived":"no"}"#,
        "pinned muted_until archived",
    ],
    [
        "POST",
        "/messages/send/ben/",
        r#"{"client_id":7,"message":"\u0000"}"#,
        "client_id message",
    ],
];

#[tokio::test]
async fn invalid_fields_are_all_listed() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let root = admin(&app, "root").await;
    let id = ann.open_direct_used(&ben).await;
    for [method, path, body, expected] in FAULTY {
        let sender = if path.starts_with("/api/admin") {
            &root
        } else {
            &ann
        };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let path = path.replace("{id}", &id.to_string());
        let refused = raw(sender, method, &path, body).await;
        let refused = refused.expect_problem(422, "invalid");
        assert_eq!(fields(&refused).join(" "), expected, "{path} {body}");
    }
    // No refused request changed anything.
    app.log_in("ann").await.expect(200);
    assert_eq!(ann.history(id).await.len(), 1);
}

#[tokio::test]
async fn invalid_frame_fields_are_all_listed() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut socket = ann.socket("/ws/").await;
    for (frame, expected) in [
        (
            r#"{"type":"message","message":"","client_id":7}"#,
            "message client_id conversation_id",
        ),
        (
            r#"{"type":"message","message":"","client_id":"a"}"#,
            "message conversation_id",
        ),
        (
            r#"{"type":"edit","conversation_id":7,"message":""}"#,
            "message message_id",
        ),
        (
            r#"{"type":"reaction","on":1,"emoji":"x","conversation_id":7}"#,
            "on emoji message_id",
        ),
        (r#"{"type":"typing"}"#, "is_typing conversation_id"),
        (
            r#"{"type":"resume","after":"x","cursors":7}"#,
            "after cursors",
        ),
    ] {
        socket.send_raw(frame.to_owned().into()).await;
        let error = socket.expect_error("invalid").await;
        assert_eq!(fields(&error).join(" "), expected, "{frame}");
    }
}

#[tokio::test]
async fn single_invalid_field_keeps_its_code() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let path = format!("/api/conversations/{id}/messages/");
    let sent = ann.send(id, "Mine").await.expect(201);
    let edit = format!("{path}{}/", sent["id"]);
    let long = "x".repeat(10_001);
    let mut socket = ann.chat_socket(id).await;
    for (text, code) in [
        ("", "text_empty"),
        (&*long, "text_too_long"),
        ("a\0", "invalid"),
    ] {
        let body = json!({ "text": text }).to_string();
        for (method, path) in [(Method::POST, &path), (Method::PATCH, &edit)] {
            let refused = raw(&ann, method, path, body.clone()).await;
            assert_eq!(fields(&refused.expect_problem(422, code)), ["text"]);
        }
        let refused = ann
            .post("/messages/send/ben/", json!({ "message": text }))
            .await;
        assert_eq!(fields(&refused.expect_problem(422, code)), ["message"]);
        for frame in [
            json!({ "type": "message", "message": text }),
            json!({ "type": "edit", "message": text, "message_id": sent["id"] }),
        ] {
            socket.send(frame).await;
            assert_eq!(fields(&socket.expect_error(code).await), ["message"]);
        }
    }
    let weak = json!({ "username": "dan", "password": "short" });
    let refused = app.post("/api/auth/register/", weak).await;
    assert_eq!(
        fields(&refused.expect_problem(422, "weak_password")),
        ["password"]
    );
    let weak = json!({ "current_password": PASSWORD, "new_password": "short" });
    let refused = ann.post("/api/me/password/", weak).await;
    assert_eq!(
        fields(&refused.expect_problem(422, "weak_password")),
        ["new_password"]
    );
}

#[tokio::test]
async fn usernames_are_trimmed_by_api() {
    let app = TestApp::spawn().await;
    let body = json!({ "username": "\tann \n", "password": PASSWORD });
    let made = app
        .post("/api/auth/register/", body.clone())
        .await
        .expect(201);
    assert_eq!(made["user"]["username"], "ann");
    app.post("/api/auth/login/", body).await.expect(200);
    let (ann, ben) = (
        app.log_in("ann").await.expect(200),
        app.register_user("ben").await,
    );
    let ann = TestUser {
        site: app.site().clone(),
        username: "ann".to_owned(),
        id: ann["user"]["id"].as_i64().unwrap(),
        token: ann["token"].as_str().unwrap().to_owned(),
    };
    ben.connect_with(&ann).await;
    let asked = json!({ "username": " ben " });
    ann.post("/api/connections/", asked.clone())
        .await
        .expect(200);
    ann.post("/api/conversations/create/", asked)
        .await
        .expect(201);
    let group = json!({ "title": "Crew", "usernames": ["\u{a0}ben "] });
    let group = ann
        .post("/api/conversations/create/", group)
        .await
        .expect(201);
    let cas = app.register_user("cas").await;
    ann.connect_with(&cas).await;
    let members = format!("/api/conversations/{}/members/", group["id"]);
    ann.post(&members, json!({ "username": " cas" }))
        .await
        .expect(201);
}
