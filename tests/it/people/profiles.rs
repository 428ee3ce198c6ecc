//! `GET /api/users/{username}/`: who may know what.

use serde_json::{Value, json};

use super::{block, profile};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, until};

#[tokio::test]
async fn a_stranger_s_status_is_not_told() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let _here = ben.socket("/ws/").await;
    let seen = profile(&ann, &ben).await;
    assert_wire!("profile_of_a_stranger", seen);
    ann.get("/api/users/nobody/")
        .await
        .refused(404, "not_found");
    ann.get("/api/users/no%20name/")
        .await
        .refused(404, "not_found");
    ann.get("/api/users/BEN/").await.expect(200);
    let mine = profile(&ann, &ann).await;
    assert_eq!(
        (&mine["connection"], &mine["is_online"]),
        (&json!("none"), &json!(false))
    );
}

#[tokio::test]
async fn each_sees_the_connection_from_their_side() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
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
async fn who_shares_a_conversation_sees_it_also_when_no_longer_connected() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    ann.talk_with(&ben).await;
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
