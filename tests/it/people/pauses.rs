//! Requests after a decline or a cancellation: which are delivered, and what the
//! requester can find out.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::{block, profile, unblock};
use crate::support::{TestApp, TestUser, until};

const DAY: i64 = 24 * 3600 * 1000;

async fn connections(person: &TestUser) -> Vec<Value> {
    let list = person.get("/api/connections/").await.expect(200);
    list.as_array().unwrap().clone()
}

async fn decline(person: &TestUser, request: &Value) {
    let path = format!("/api/connections/{}/decline/", request["id"]);
    person.post(&path, json!({})).await.expect(204);
}

async fn cancel_request(person: &TestUser, request: &Value) {
    let path = format!("/api/connections/{}/", request["id"]);
    person.delete(&path).await.expect(204);
}

/// Moves the end of all pauses back by `days`, as if these days had passed.
async fn pass(app: &TestApp, days: i64) {
    let db = app.database().connection().await;
    let sql = format!("UPDATE request_pause SET until = until - {}", days * DAY);
    db.execute_unprepared(&sql).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn declined_users_requests_are_hidden() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let mut there = ben.socket("/ws/").await;
    for _ in 0..30 {
        let again = ann.request_connection(&ben).await.expect(201);
        assert_eq!(again["state"], "requested");
        // To the requester, this undelivered request looks like any other.
        assert_ne!(again["id"], asked["id"]);
        assert_eq!(ann.request_connection(&ben).await.expect(200), again);
        assert_eq!(connections(&ann).await, std::slice::from_ref(&again));
        assert_eq!(profile(&ann, &ben).await["connection"], "requested");
        let path = format!("/api/connections/{}", again["id"]);
        for act in ["accept", "decline"] {
            let path = format!("{path}/{act}/");
            ann.post(&path, json!({}))
                .await
                .expect_problem(409, "conflict");
            ben.post(&path, json!({}))
                .await
                .expect_problem(404, "not_found");
        }
        assert_eq!(profile(&ben, &ann).await["connection"], "none");
        assert_eq!(connections(&ben).await, [] as [Value; 0]);
        cancel_request(&ann, &again).await;
    }
    there.expect_nothing_until_pong().await;
    assert_eq!(ben.socket("/ws/").await.hello["pending_connections"], 0);
}

#[tokio::test]
async fn request_is_delivered_30_days_later() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let mut there = ben.socket("/ws/").await;
    let asked = ann.request_connection(&ben).await.expect(201);
    pass(&app, 29).await;
    assert_eq!(ann.request_connection(&ben).await.expect(200), asked);
    there.expect_nothing_until_pong().await;
    pass(&app, 1).await;
    let mut here = ann.socket("/ws/").await;
    // The requester can't see that the request is delivered only now.
    assert_eq!(ann.request_connection(&ben).await.expect(200), asked);
    let told = there.expect("connection").await;
    assert_eq!(told["connection"]["state"], "incoming");
    here.expect_nothing_until_pong().await;
    decline(&ben, &asked).await;
    let asked = ann.request_connection(&ben).await.expect(201);
    cancel_request(&ann, &asked).await;
    pass(&app, 30).await;
    ann.request_connection(&ben).await.expect(201);
    assert_eq!(connections(&ben).await[0]["state"], "incoming");
}

#[tokio::test]
async fn decliner_may_request_at_any_time() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let mut there = ann.socket("/ws/").await;
    let back = ben.request_connection(&ann).await.expect(201);
    let told = there.expect("connection").await;
    assert_eq!(told["connection"]["state"], "incoming");
    // After the other side declines too, the first user may request again.
    decline(&ann, &back).await;
    ann.request_connection(&ben).await.expect(201);
    assert_eq!(connections(&ben).await[0]["state"], "incoming");
}

#[tokio::test]
async fn decliner_request_accepts_the_hidden_one() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let asked = ann.request_connection(&ben).await.expect(201);
    let back = ben.request_connection(&ann).await.expect(200);
    assert_eq!(
        (&back["state"], &back["id"]),
        (&json!("connected"), &asked["id"])
    );
    // A connection ends the pauses of both users.
    cancel_request(&ann, &back).await;
    ann.request_connection(&ben).await.expect(201);
    assert_eq!(connections(&ben).await[0]["state"], "incoming");
}

#[tokio::test]
async fn cancelled_request_is_delivered_daily() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    cancel_request(&ann, &asked).await;
    let mut there = ben.socket("/ws/").await;
    for _ in 0..5 {
        let again = ann.request_connection(&ben).await.expect(201);
        cancel_request(&ann, &again).await;
        // Blocking the recipient cancels the request, too.
        ann.request_connection(&ben).await.expect(201);
        block(&ann, &ben).await;
        unblock(&ann, &ben).await;
    }
    there.expect_nothing_until_pong().await;
    pass(&app, 1).await;
    ann.request_connection(&ben).await.expect(201);
    let told = there.expect("connection").await;
    assert_eq!(told["connection"]["state"], "incoming");
    block(&ann, &ben).await;
    assert_eq!(
        there.expect("connection").await["connection"]["state"],
        "none"
    );
    unblock(&ann, &ben).await;
    ann.request_connection(&ben).await.expect(201);
    there.expect_nothing_until_pong().await;
}

/// `DELETE` by the recipient declines the request.
#[tokio::test]
async fn deleting_a_received_request_declines_it() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    cancel_request(&ben, &asked).await;
    let mut there = ben.socket("/ws/").await;
    ann.request_connection(&ben).await.expect(201);
    pass(&app, 29).await;
    ann.request_connection(&ben).await.expect(200);
    there.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn requests_of_others_are_delivered() {
    let app = TestApp::spawn().await;
    let (ann, ben, cat) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
        app.register_user("cat").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    decline(&ben, &asked).await;
    cat.request_connection(&ben).await.expect(201);
    ann.request_connection(&cat).await.expect(201);
    assert_eq!(connections(&ben).await[0]["state"], "incoming");
    assert_eq!(profile(&cat, &ann).await["connection"], "incoming");
}

#[tokio::test]
async fn ended_pauses_are_deleted() {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.cleanup_every = Duration::from_millis(50))
        .spawn()
        .await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let db = app.database().connection().await;
    let rows = async || {
        let count = Statement::from_string(
            db.get_database_backend(),
            "SELECT COUNT(*) FROM request_pause",
        );
        let row = db.query_one_raw(count).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    assert_eq!(rows().await, 1);
    pass(&app, 30).await;
    until("the row to be deleted", async || {
        (rows().await == 0).then_some(())
    })
    .await;
    db.close().await.unwrap();
}
