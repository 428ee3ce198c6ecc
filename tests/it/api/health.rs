//! `/healthz`.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_server_that_serves_is_well() {
    let app = TestApp::spawn().await;
    for path in ["/healthz", "/healthz/"] {
        let body = app.get(path).await.expect(200);
        assert_eq!(body, json!({ "status": "ok" }));
    }
}
