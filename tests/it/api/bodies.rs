//! Snapshots of response bodies, stored beside this file. Ids and times are
//! checked and hidden.

use entity::{Millis, UserId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::redact::assert_wire;
use crate::support::{ApiResponse, PASSWORD, TestApp};
use tidings::store::AuditContext;

#[tokio::test]
async fn account_and_login_bodies_match_snapshots() {
    let app = TestApp::spawn().await;
    let body = json!({ "username": "ann", "password": PASSWORD, "display_name": "Ann" });
    let registered = app.post("/api/auth/register/", body).await.expect(201);
    assert_wire!("registered", registered.clone());
    assert_wire!("logged_in", app.log_in("ann").await.expect(200));
    let request = app.site().request(reqwest::Method::GET, "/api/me/");
    let request = request.bearer_auth(registered["token"].as_str().unwrap());
    assert_wire!("me", app.site().send(request).await.expect(200));
}

#[tokio::test]
async fn connection_bodies_match_snapshots() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    assert_wire!("connection_requested", asked.clone());
    let incoming = ben.get("/api/connections/").await.expect(200);
    assert_wire!("connections_incoming", incoming);
    let accept = format!("/api/connections/{}/accept/", asked["id"]);
    let accepted = ben.post(&accept, json!({})).await.expect(200);
    assert_wire!("connection_accepted", accepted);
}

#[tokio::test]
async fn conversation_and_message_bodies_match_snapshots() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let opened = ann.post_direct(&ben).await.expect(201);
    assert_wire!("conversation_opened", opened.clone());
    let id = opened["id"].as_i64().unwrap();
    let sent = ann.send_as(id, "Tea?", "first").await.expect(201);
    assert_wire!("message_sent", sent.clone());
    let path = format!("/api/conversations/{id}/messages/");
    let body = json!({ "text": "Please", "reply_to": sent["id"] });
    ben.post(&path, body).await.expect(201);
    assert_wire!("history", Value::from(ann.history(id).await));
    assert_wire!("conversation", ann.conversation(id).await);
    let list = ben.get("/api/conversations/").await.expect(200);
    assert_wire!("conversations", list);
}

#[tokio::test]
async fn problem_bodies_match_snapshots() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.body_max = 1000)
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let id = ann.open_direct(&ben).await;
    let elsewhere = ann.open_direct(&cat).await;
    ann.send_as(elsewhere, "Hello", "used").await.expect(201);
    let register = |name: &str, password: &str| {
        let body = json!({ "username": name, "password": password });
        app.post("/api/auth/register/", body)
    };
    let refused = [
        ann.post("/api/connections/", json!([])).await,
        ann.get("/api/conversations/?before=x").await,
        app.get("/api/me/").await,
        app.log_in("nobody").await,
        ben.post_direct(&cat).await,
        ann.get("/nothing/").await,
        ann.delete("/api/me/").await,
        register(&"x".repeat(1000), PASSWORD).await,
        app.site()
            .send(
                app.site()
                    .request(reqwest::Method::POST, "/api/auth/login/"),
            )
            .await,
        register("ANN", PASSWORD).await,
        ann.send_as(id, "Hello", "used").await,
        ann.post_direct(&ann).await,
        ann.post("/api/connections/", json!({})).await,
        ann.send(id, " ").await,
        register("dan", "short").await,
        app.get("/ws/").await,
    ];
    for answer in refused {
        let code = answer.body["code"].as_str().unwrap().to_owned();
        assert_wire!(&format!("problem_{code}"), answer.body);
    }
    let store = app.store().await;
    store
        .accounts()
        .deactivate(
            UserId(ben.id),
            &AuditContext::from_command_line(Millis::now()),
        )
        .await
        .unwrap();
    assert_wire!("problem_deactivated", app.log_in("ben").await.body);
    let long = "x".repeat(10_001);
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    assert_wire!("problem_text_too_long", ann.send(id, &long).await.body);
}

/// Returns the field and detail of a response's first invalid field.
fn fault(answer: ApiResponse) -> (String, String) {
    let body = answer.expect_problem(422, "invalid");
    let text = |name: &str| body["errors"][0][name].as_str().unwrap().to_owned();
    (text("field"), text("detail"))
}

/// Details of invalid fields are the server's own texts: the errors of
/// libraries would expose internal types and repeat input.
#[tokio::test]
async fn details_of_fields_are_ours() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let send = async |method: Method, path: &str, kind: &str, body: &'static str| {
        let request = app.site().request(method, path).bearer_auth(&ann.token);
        let request = request.header("content-type", kind).body(body);
        fault(app.site().send(request).await)
    };
    let expected = |field: &str, detail: &str| (field.to_owned(), detail.to_owned());
    let json = "application/json";
    let twice = r#"{"username":"ann","username":"ben","password":"x"}"#;
    let found = send(Method::POST, "/api/auth/login/", json, twice).await;
    assert_eq!(found, expected("username", "only one value is allowed"));
    let read = format!("/api/conversations/{id}/read/");
    let found = send(Method::POST, &read, json, r#"{"message_id":"x"}"#).await;
    assert_eq!(found, expected("message_id", "a whole number"));
    let mine = format!("/api/conversations/{id}/me/");
    let found = send(Method::PATCH, &mine, json, r#"{"muted_until":"yesterday"}"#).await;
    let time = "a time such as 2026-11-21T20:24:25.123Z";
    assert_eq!(found, expected("muted_until", time));
    let form = "application/x-www-form-urlencoded";
    let found = send(
        Method::POST,
        "/messages/read",
        form,
        "conversation=x&message=1",
    )
    .await;
    assert_eq!(found, expected("conversation", "a whole number"));
}

/// Percent-encoded text must be UTF-8 in paths, queries and forms.
#[tokio::test]
async fn invalid_utf8_is_refused_everywhere() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for path in [
        "/api/users/?q=caf%E9",
        "/api/users/?%FF=1&q=ben",
        "/api/users/caf%E9/",
        "/messages/history/be%6E%FF/",
        "/profile/%C3",
        "/messages?conversation=%FF",
        "/ws/chat/%FF/",
    ] {
        let refused = if path.starts_with("/ws") {
            ann.try_upgrade(path).await
        } else {
            ann.get(path).await
        };
        refused.expect_problem(400, "bad_request");
    }
    ann.try_upgrade("/ws/?token=%FF")
        .await
        .expect_problem(400, "bad_request");
    let request = app.site().request(Method::POST, "/messages");
    let request = request
        .bearer_auth(&ann.token)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("conversation={id}&message=caf%E9"));
    app.site()
        .send(request)
        .await
        .expect_problem(400, "bad_request");
    assert_eq!(ann.history(id).await.len(), 1);
}
