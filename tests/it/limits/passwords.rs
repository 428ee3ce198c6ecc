//! Passwords that are no good.

use serde_json::json;

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn short_long_and_common_passwords_are_refused() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let long = "x".repeat(129);
    for weak in ["", "seven77", &long, "password1", "PassWord1", "1q2w3e4r"] {
        let body = json!({ "username": "ben", "password": weak });
        let refused = app.post("/api/auth/register/", body).await;
        let refused = refused.refused(422, "weak_password");
        assert_eq!(refused["errors"][0]["field"], "password");
        let body = json!({ "current_password": PASSWORD, "new_password": weak });
        let refused = ann.post("/api/me/password/", body).await;
        let refused = refused.refused(422, "weak_password");
        assert_eq!(refused["errors"][0]["field"], "new_password");
    }
    let body = json!({ "username": "ben", "password": "x".repeat(128) });
    app.post("/api/auth/register/", body).await.expect(201);
}
