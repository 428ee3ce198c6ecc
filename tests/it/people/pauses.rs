//! Requests after a decline or a withdrawal: what is delivered, and what the
//! requester can tell.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::{block, profile, unblock};
use crate::support::{Person, TestApp, until};

const DAY: i64 = 24 * 3600 * 1000;

async fn connections(person: &Person) -> Vec<Value> {
    let list = person.get("/api/connections/").await.expect(200);
    list.as_array().unwrap().clone()
}

async fn decline(person: &Person, request: &Value) {
    let path = format!("/api/connections/{}/decline/", request["id"]);
    person.post(&path, json!({})).await.expect(204);
}

async fn withdraw(person: &Person, request: &Value) {
    let path = format!("/api/connections/{}/", request["id"]);
    person.delete(&path).await.expect(204);
}

/// Makes all pauses begin some days earlier.
async fn pass(app: &TestApp, days: i64) {
    let db = app.database().connection().await;
    let sql = format!("UPDATE request_pause SET until = until - {}", days * DAY);
    db.execute_unprepared(&sql).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn declined_user_s_requests_are_not_delivered() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let mut there = ben.socket("/ws/").await;
    for _ in 0..30 {
        let again = ann.ask_to_connect(&ben).await.expect(201);
        assert_eq!(again["state"], "requested");
        // It looks like any other request.
        assert_ne!(again["id"], asked["id"]);
        assert_eq!(ann.ask_to_connect(&ben).await.expect(200), again);
        assert_eq!(connections(&ann).await, std::slice::from_ref(&again));
        assert_eq!(profile(&ann, &ben).await["connection"], "requested");
        let path = format!("/api/connections/{}", again["id"]);
        for act in ["accept", "decline"] {
            let path = format!("{path}/{act}/");
            ann.post(&path, json!({})).await.refused(409, "conflict");
            ben.post(&path, json!({})).await.refused(404, "not_found");
        }
        assert_eq!(profile(&ben, &ann).await["connection"], "none");
        assert_eq!(connections(&ben).await, [] as [Value; 0]);
        withdraw(&ann, &again).await;
    }
    there.expect_nothing_until_pong().await;
    assert_eq!(ben.socket("/ws/").await.hello["pending_connections"], 0);
}

#[tokio::test]
async fn request_is_delivered_30_days_later() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let mut there = ben.socket("/ws/").await;
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    pass(&app, 29).await;
    assert_eq!(ann.ask_to_connect(&ben).await.expect(200), asked);
    there.expect_nothing_until_pong().await;
    pass(&app, 1).await;
    let mut here = ann.socket("/ws/").await;
    // Nothing says to the requester that it is delivered only now.
    assert_eq!(ann.ask_to_connect(&ben).await.expect(200), asked);
    let told = there.expect("connection").await;
    assert_eq!(told["connection"]["state"], "incoming");
    here.expect_nothing_until_pong().await;
    decline(&ben, &asked).await;
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    withdraw(&ann, &asked).await;
    pass(&app, 30).await;
    ann.ask_to_connect(&ben).await.expect(201);
    assert_eq!(connections(&ben).await[0]["state"], "incoming");
}

#[tokio::test]
async fn decliner_may_ask_at_any_time() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let mut there = ann.socket("/ws/").await;
    let back = ben.ask_to_connect(&ann).await.expect(201);
    let told = there.expect("connection").await;
    assert_eq!(told["connection"]["state"], "incoming");
    // And who declines that may ask again, too.
    decline(&ann, &back).await;
    ann.ask_to_connect(&ben).await.expect(201);
    assert_eq!(connections(&ben).await[0]["state"], "incoming");
}

#[tokio::test]
async fn decliner_s_request_connects_with_swallowed_one() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    decline(&ben, &asked).await;
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    let back = ben.ask_to_connect(&ann).await.expect(200);
    assert_eq!(
        (&back["state"], &back["id"]),
        (&json!("connected"), &asked["id"])
    );
    // A connection ends all pauses.
    withdraw(&ann, &back).await;
    ann.ask_to_connect(&ben).await.expect(201);
    assert_eq!(connections(&ben).await[0]["state"], "incoming");
}

#[tokio::test]
async fn withdrawn_request_is_delivered_daily() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    withdraw(&ann, &asked).await;
    let mut there = ben.socket("/ws/").await;
    for _ in 0..5 {
        let again = ann.ask_to_connect(&ben).await.expect(201);
        withdraw(&ann, &again).await;
        // A block takes a request back, too.
        ann.ask_to_connect(&ben).await.expect(201);
        block(&ann, &ben).await;
        unblock(&ann, &ben).await;
    }
    there.expect_nothing_until_pong().await;
    pass(&app, 1).await;
    ann.ask_to_connect(&ben).await.expect(201);
    let told = there.expect("connection").await;
    assert_eq!(told["connection"]["state"], "incoming");
    block(&ann, &ben).await;
    assert_eq!(
        there.expect("connection").await["connection"]["state"],
        "none"
    );
    unblock(&ann, &ben).await;
    ann.ask_to_connect(&ben).await.expect(201);
    there.expect_nothing_until_pong().await;
}

/// `DELETE` on a request of somebody else declines it.
#[tokio::test]
async fn deleting_a_received_request_declines_it() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    withdraw(&ben, &asked).await;
    let mut there = ben.socket("/ws/").await;
    ann.ask_to_connect(&ben).await.expect(201);
    pass(&app, 29).await;
    ann.ask_to_connect(&ben).await.expect(200);
    there.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn requests_of_others_are_delivered() {
    let app = TestApp::spawn().await;
    let (ann, ben, cat) = (
        app.person("ann").await,
        app.person("ben").await,
        app.person("cat").await,
    );
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    decline(&ben, &asked).await;
    cat.ask_to_connect(&ben).await.expect(201);
    ann.ask_to_connect(&cat).await.expect(201);
    assert_eq!(connections(&ben).await[0]["state"], "incoming");
    assert_eq!(profile(&cat, &ann).await["connection"], "incoming");
}

#[tokio::test]
async fn ended_pauses_are_deleted() {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.cleanup_every = Duration::from_millis(50))
        .spawn()
        .await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
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
    until("the row to go", async || (rows().await == 0).then_some(())).await;
    db.close().await.unwrap();
}
