//! Snapshots of what is answered: beside this file, ids and times checked and
//! hidden.

use entity::{Millis, UserId};
use serde_json::{Value, json};

use crate::support::redact::assert_wire;
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn accounts_and_logins() {
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
async fn connections() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    assert_wire!("connection_requested", asked.clone());
    let incoming = ben.get("/api/connections/").await.expect(200);
    assert_wire!("connections_incoming", incoming);
    let accept = format!("/api/connections/{}/accept/", asked["id"]);
    let accepted = ben.post(&accept, json!({})).await.expect(200);
    assert_wire!("connection_accepted", accepted);
}

#[tokio::test]
async fn conversations_and_messages() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let opened = ann.open_with(&ben).await.expect(201);
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
async fn problems() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.body_max = 1000)
        .spawn()
        .await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cat = app.person("cat").await;
    ann.connect_with(&cat).await;
    let id = ann.direct_with(&ben).await;
    let elsewhere = ann.direct_with(&cat).await;
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
        ben.open_with(&cat).await,
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
        ann.open_with(&ann).await,
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
        .deactivate(UserId(ben.id), Millis::now())
        .await
        .unwrap();
    assert_wire!("problem_deactivated", app.log_in("ben").await.body);
    let long = "x".repeat(10_001);
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.direct_with(&ben).await;
    assert_wire!("problem_text_too_long", ann.send(id, &long).await.body);
}
