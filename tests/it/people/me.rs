//! `GET|PATCH /api/me/`.

use serde_json::{Value, json};

use super::{patch, profile};
use crate::support::TestApp;
use crate::support::redact::assert_wire;

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
