//! `GET|PATCH|DELETE /api/me/`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, block, patch, profile};
use crate::admin::admin;
use crate::support::redact::assert_wire;
use crate::support::{ApiResponse, PASSWORD, TestApp, TestUser};

#[tokio::test]
async fn patch_changes_only_given_fields() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let body = json!({ "display_name": "  Ann Onymous ", "about": "\nHi.\nI'm Ann. " });
    let changed = patch(&ann, "/api/me/", body).await.expect(200);
    assert_wire!("me", changed.clone());
    for body in [json!({}), json!({ "about": null, "display_name": null })] {
        let same = patch(&ann, "/api/me/", body).await.expect(200);
        assert_eq!(same, changed);
    }
    assert_eq!(ann.get("/api/me/").await.expect(200), changed);
    let seen = profile(&ben, &ann).await;
    assert_eq!(seen["about"], "Hi.\nI'm Ann.");
    assert_eq!(seen["display_name"], "Ann Onymous");
    let emptied = patch(&ann, "/api/me/", json!({ "about": "" })).await;
    assert_eq!(emptied.expect(200)["about"], "");
}

#[tokio::test]
async fn invalid_field_is_named_without_changes() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let before = ann.get("/api/me/").await.expect(200);
    for (field, value) in [
        ("about", json!("x".repeat(301))),
        ("about", json!("a\u{0}b")),
        ("about", json!(7)),
        ("display_name", json!(" ")),
        ("display_name", json!("é".repeat(61))),
        ("display_name", json!("a\nb")),
    ] {
        let body = json!({ field: value, "unknown": 1 });
        let refused = patch(&ann, "/api/me/", body)
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], field);
    }
    let longest = json!({ "about": "é".repeat(300) });
    patch(&ann, "/api/me/", longest).await.expect(200);
    let back = json!({ "about": "" });
    let after = patch(&ann, "/api/me/", back).await.expect(200);
    assert_eq!(after, before);
    patch(&ann, "/api/me/", Value::Null)
        .await
        .expect_problem(400, "bad_json");
}

async fn delete_me(person: &TestUser, password: Value) -> ApiResponse {
    let body = json!({ "password": password });
    ask(person, Method::DELETE, "/api/me/", body).await
}

#[tokio::test]
async fn own_account_is_deleted_by_password() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cas = app.register_user("cas").await;
    block(&ann, &cas).await;
    let direct = ann.open_direct_used(&ben).await;
    let other = ann.log_in_again().await;
    let mut socket = other.socket("/ws/").await;
    for wrong in [json!("not that one"), json!(""), json!(7), Value::Null] {
        let refused = delete_me(&ann, wrong).await;
        let refused = refused.expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "password");
    }
    delete_me(&ann, json!(PASSWORD)).await.expect(204);
    assert_eq!(socket.expect_close().await, 4401);
    for login in [&ann, &other] {
        let refused = delete_me(login, json!(PASSWORD)).await;
        refused.expect_problem(401, "unauthenticated");
    }
    let refused = app.log_in("ann").await;
    refused.expect_problem(401, "bad_credentials");
    ben.get("/api/users/ann/").await.expect(404);
    let history = ben.history(direct).await;
    assert_eq!(history[0]["sender"]["display_name"], "Deleted user");
    let refused = ben.send(direct, "Hello?").await;
    refused.expect_problem(403, "not_connected");
    app.register_user("ann").await;
}

#[tokio::test]
async fn last_admin_cannot_delete_account() {
    let app = TestApp::spawn().await;
    let admin = admin(&app, "root").await;
    let refused = delete_me(&admin, json!(PASSWORD)).await;
    refused.expect_problem(409, "conflict");
    admin.get("/api/me/").await.expect(200);
}
