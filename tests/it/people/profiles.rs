//! `GET /api/users/{username}/`: which fields each viewer sees.

use serde_json::{Value, json};

use super::{block, profile};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, until};

#[tokio::test]
async fn stranger_presence_is_hidden() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let _here = ben.socket("/ws/").await;
    let seen = profile(&ann, &ben).await;
    assert_wire!("profile_of_a_stranger", seen);
    ann.get("/api/users/nobody/")
        .await
        .expect_problem(404, "not_found");
    ann.get("/api/users/no%20name/")
        .await
        .expect_problem(404, "not_found");
    ann.get("/api/users/BEN/").await.expect(200);
    let mine = profile(&ann, &ann).await;
    assert_eq!(
        (&mine["connection"], &mine["is_online"]),
        (&json!("none"), &json!(false))
    );
}

#[tokio::test]
async fn connection_state_depends_on_viewer() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    assert_eq!(profile(&ann, &ben).await["connection"], "requested");
    assert_eq!(profile(&ben, &ann).await["connection"], "incoming");
    assert_eq!(profile(&ben, &ann).await["is_online"], Value::Null);
    let accept = format!("/api/connections/{}/accept/", asked["id"]);
    ben.post(&accept, json!({})).await.expect(200);
    let _here = ben.socket("/ws/").await;
    let online = until("ben to be online", || async {
        let seen = profile(&ann, &ben).await;
        (seen["is_online"] == true).then_some(seen)
    });
    assert_wire!("profile_of_a_friend", online.await);
}

#[tokio::test]
async fn shared_conversation_shows_presence_without_connection() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    ann.open_direct_used(&ben).await;
    let list = ann.get("/api/connections/").await.expect(200);
    let path = format!("/api/connections/{}/", list[0]["id"]);
    ann.delete(&path).await.expect(204);
    let seen = profile(&ann, &ben).await;
    assert_eq!(
        (&seen["connection"], &seen["is_online"]),
        (&json!("none"), &json!(false))
    );
    block(&ben, &ann).await;
    assert_eq!(profile(&ann, &ben).await["is_online"], Value::Null);
}
