//! Conversations addressed by the other user's name.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::json;

use super::block;
use crate::support::redact::assert_wire;
use crate::support::{TestApp, until};

#[tokio::test]
async fn message_by_username_opens_conversation() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let nothing = ann.get("/messages/history/ben/").await.expect(200);
    assert_eq!(nothing, json!({ "messages": [] }));
    let mut there = ben.socket("/ws/").await;
    let sent = ann
        .post("/messages/send/BEN/", json!({ "message": "\nHello " }))
        .await;
    let sent = sent.expect(201);
    assert_eq!(sent["text"], "Hello");
    there.expect("conversation").await;
    assert_eq!(there.expect_message().await["id"], sent["id"]);
    let seen = ben.get("/messages/history/ann/").await.expect(200);
    assert_wire!("history_by_name", seen);
    let unread = ben.get("/messages/unread/").await.expect(200);
    assert_eq!(unread, json!({ "unread_count": 1 }));
    let unread = ann.get("/messages/unread").await.expect(200);
    assert_eq!(unread, json!({ "unread_count": 0 }));
}

#[tokio::test]
async fn history_by_username_is_paged() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    for text in ["1", "2", "3", "4", "5"] {
        ann.post("/messages/send/ben/", json!({ "message": text }))
            .await
            .expect(201);
    }
    let texts = |page: serde_json::Value| -> Vec<String> {
        let messages = page["messages"].as_array().unwrap().clone();
        messages
            .iter()
            .map(|m| m["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let newest = ben.get("/messages/history/ann/?limit=2").await;
    let older = ben.get(&newest.link("prev").unwrap()).await;
    assert_eq!(texts(newest.expect(200)), ["4", "5"]);
    assert_eq!(texts(older.expect(200)), ["2", "3"]);
    let after = ben.get("/messages/history/ann/?after=3").await.expect(200);
    assert_eq!(texts(after), ["4", "5"]);
    let both = ben.get("/messages/history/ann/?after=3&before=5").await;
    both.expect_problem(400, "bad_request");
}

#[tokio::test]
async fn form_body_sends_message() {
    let app = TestApp::spawn().await;
    let (ann, _ben) = app.register_connected("ann", "Ben").await;
    let form = |accept: &'static str, body: &'static str| {
        let request = app.site().request(Method::POST, "/messages/send/ben/");
        request
            .bearer_auth(&ann.token)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, accept)
            .body(body)
    };
    let sent = app
        .site()
        .send(form("*/*", "message=Gr%C3%BC%C3%9Fe+%26+mehr"))
        .await;
    assert_eq!(sent.expect(201)["text"], "Grüße & mehr");
    let empty = app.site().send(form("*/*", "message=+")).await;
    empty.expect_problem(422, "text_empty");
    let missing = app.site().send(form("*/*", "text=Hi")).await;
    let missing = missing.expect_problem(422, "invalid");
    assert_eq!(missing["errors"][0]["field"], "message");

    let client = reqwest::Client::builder();
    let client = client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = form("text/html,*/*;q=0.8", "message=Hi").build().unwrap();
    let response = client.execute(request).await.unwrap();
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], "/messages/chat/Ben/");
}

#[tokio::test]
async fn strangers_see_and_send_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let body = || json!({ "message": "Hello" });
    ann.post("/messages/send/ben/", body())
        .await
        .expect_problem(403, "not_connected");
    ann.post("/messages/send/ann/", body())
        .await
        .expect_problem(409, "conflict");
    ann.get("/messages/status/ben/")
        .await
        .expect_problem(403, "not_connected");
    ann.get("/messages/status/nobody/")
        .await
        .expect_problem(404, "not_found");
    ann.get("/messages/history/nobody/")
        .await
        .expect_problem(404, "not_found");
    ann.post("/messages/send/nobody/", body())
        .await
        .expect_problem(404, "not_found");
    let nothing = ann.get("/messages/history/ben/").await.expect(200);
    assert_eq!(nothing, json!({ "messages": [] }));
    app.get("/messages/unread/")
        .await
        .expect_problem(401, "unauthenticated");

    ann.connect_with(&ben).await;
    let away = ann.get("/messages/status/Ben/").await.expect(200);
    assert_eq!(
        away,
        json!({ "username": "ben", "is_online": false, "last_seen": null })
    );
    let _here = ben.socket("/ws/").await;
    until("ben to be online", || async {
        let seen = ann.get("/messages/status/ben/").await.expect(200);
        (seen["is_online"] == true).then_some(())
    })
    .await;
    block(&ben, &ann).await;
    ann.get("/messages/status/ben/")
        .await
        .expect_problem(403, "not_connected");
    ann.post("/messages/send/ben/", body())
        .await
        .expect_problem(403, "not_connected");
}
