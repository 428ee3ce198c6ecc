//! `/healthz`.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn running_server_is_healthy() {
    let app = TestApp::spawn().await;
    for path in ["/healthz", "/healthz/"] {
        let body = app.get(path).await.expect(200);
        assert_eq!(body, json!({ "status": "ok" }));
    }
}
