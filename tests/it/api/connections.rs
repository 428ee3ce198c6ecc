//! `/api/connections/`.

use entity::{Millis, UserId, block};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};

use super::people::befriend;
use crate::support::{TestApp, TestUser};
use tidings::store::AuditContext;

async fn list(person: &TestUser) -> Vec<Value> {
    let body = person.get("/api/connections/").await.expect(200);
    body.as_array().unwrap().clone()
}

/// Returns the user and state of each connection of `person`.
async fn states(person: &TestUser) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let connections = list(person).await;
    let states = connections.iter().map(|connection| {
        (
            text(&connection["user"]["username"]),
            text(&connection["state"]),
        )
    });
    states.collect()
}

fn state(username: &str, state: &str) -> Vec<(String, String)> {
    vec![(username.to_owned(), state.to_owned())]
}

async fn accept(person: &TestUser, id: &Value) -> crate::support::ApiResponse {
    person
        .post(&format!("/api/connections/{id}/accept/"), json!({}))
        .await
}

async fn decline(person: &TestUser, id: &Value) -> crate::support::ApiResponse {
    person
        .post(&format!("/api/connections/{id}/decline/"), json!({}))
        .await
}

async fn remove(person: &TestUser, id: &Value) -> crate::support::ApiResponse {
    person.delete(&format!("/api/connections/{id}/")).await
}

/// Blocks a user directly in the database.
async fn block(app: &TestApp, blocker: &TestUser, blocked: &TestUser) {
    let row = block::ActiveModel {
        blocker_id: Set(UserId(blocker.id)),
        blocked_id: Set(UserId(blocked.id)),
        created_at: Set(Millis::now()),
    };
    let connection = app.database().connection().await;
    let insert = block::Entity::insert(row);
    insert.exec_without_returning(&connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn accepted_request_connects_both() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    assert_eq!(states(&ann).await, state("ben", "requested"));
    assert_eq!(states(&ben).await, state("ann", "incoming"));
    let accepted = accept(&ben, &asked["id"]).await.expect(200);
    assert_eq!(
        (&accepted["id"], &accepted["state"]),
        (&asked["id"], &json!("connected"))
    );
    assert_eq!(states(&ann).await, state("ben", "connected"));
    assert_eq!(states(&ben).await, state("ann", "connected"));
}

#[tokio::test]
async fn mutual_requests_connect_both() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    ann.request_connection(&ben).await.expect(201);
    let back = ben.request_connection(&ann).await.expect(200);
    assert_eq!(back["state"], "connected");
    assert_eq!(states(&ann).await, state("ben", "connected"));
}

/// Guards the race of two requests that both find no connection. The pair's
/// unique key admits one request, and the other one accepts it.
#[tokio::test]
async fn concurrent_mutual_requests_connect_both() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    for _ in 0..20 {
        let (one, two) = tokio::join!(ann.request_connection(&ben), ben.request_connection(&ann));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "{} {}", one.body, two.body);
        assert_eq!(states(&ann).await, state("ben", "connected"));
        assert_eq!(states(&ben).await, state("ann", "connected"));
        remove(&ann, &one.body["id"]).await.expect(204);
    }
}

#[tokio::test]
async fn repeated_request_and_acceptance_change_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    assert_eq!(ann.request_connection(&ben).await.expect(200), asked);
    let accepted = accept(&ben, &asked["id"]).await.expect(200);
    assert_eq!(accept(&ben, &asked["id"]).await.expect(200), accepted);
    let again = ann.request_connection(&ben).await.expect(200);
    assert_eq!(
        (&again["id"], &again["state"]),
        (&asked["id"], &json!("connected"))
    );
}

#[tokio::test]
async fn declined_request_disappears_for_both() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    decline(&ben, &asked["id"]).await.expect(204);
    assert_eq!(list(&ann).await, [] as [Value; 0]);
    assert_eq!(list(&ben).await, [] as [Value; 0]);
    decline(&ben, &asked["id"])
        .await
        .expect_problem(404, "not_found");
    ann.request_connection(&ben).await.expect(201);
}

#[tokio::test]
async fn connection_and_request_can_be_removed() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    for remover in [&ann, &ben] {
        let id = json!(ann.connect_with(&ben).await);
        remove(remover, &id).await.expect(204);
        assert_eq!(list(&ann).await, [] as [Value; 0]);
        assert_eq!(list(&ben).await, [] as [Value; 0]);
        remove(remover, &id).await.expect_problem(404, "not_found");
    }
    let asked = ann.request_connection(&ben).await.expect(201);
    remove(&ann, &asked["id"]).await.expect(204);
    assert_eq!(list(&ben).await, [] as [Value; 0]);
}

#[tokio::test]
async fn requester_cannot_answer_own_request() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    accept(&ann, &asked["id"])
        .await
        .expect_problem(409, "conflict");
    decline(&ann, &asked["id"])
        .await
        .expect_problem(409, "conflict");
    accept(&ben, &asked["id"]).await.expect(200);
    decline(&ben, &asked["id"])
        .await
        .expect_problem(409, "conflict");
}

#[tokio::test]
async fn stranger_cannot_find_connection() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    let id = list(&ann).await[0]["id"].clone();
    accept(&cat, &id).await.expect_problem(404, "not_found");
    decline(&cat, &id).await.expect_problem(404, "not_found");
    remove(&cat, &id).await.expect_problem(404, "not_found");
    assert_eq!(states(&ben).await, state("ann", "connected"));
}

#[tokio::test]
async fn request_needs_active_other_user() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    ann.request_connection(&ann)
        .await
        .expect_problem(409, "conflict");
    let store = app.store().await;
    store
        .accounts()
        .deactivate(
            UserId(ben.id),
            &AuditContext::from_command_line(Millis::now()),
        )
        .await
        .unwrap();
    for name in ["ben", "nobody", "no body"] {
        let body = json!({ "username": name });
        let body = ann.post("/api/connections/", body).await;
        let body = body.expect_problem(422, "invalid");
        assert_eq!(body["errors"][0]["field"], "username", "{name}");
    }
}

#[tokio::test]
async fn request_to_blocker_never_arrives() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    block(&app, &ben, &ann).await;
    let mut blocker = ben.socket("/ws/").await;

    let asked = ann.request_connection(&ben).await.expect(201);
    assert_eq!(asked["state"], "requested");
    assert_eq!(states(&ann).await, state("ben", "requested"));
    assert_eq!(ann.request_connection(&ben).await.expect(200), asked);

    assert_eq!(list(&ben).await, [] as [Value; 0]);
    assert_eq!(ben.socket("/ws/").await.hello["pending_connections"], 0);
    accept(&ben, &asked["id"])
        .await
        .expect_problem(404, "not_found");
    decline(&ben, &asked["id"])
        .await
        .expect_problem(404, "not_found");
    remove(&ben, &asked["id"])
        .await
        .expect_problem(404, "not_found");
    ben.request_connection(&ann)
        .await
        .expect_problem(409, "conflict");

    remove(&ann, &asked["id"]).await.expect(204);
    assert_eq!(list(&ann).await, [] as [Value; 0]);
    blocker.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn pending_requests_are_counted_for_recipient() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let asked = ann.request_connection(&ben).await.expect(201);
    assert_eq!(ann.socket("/ws/").await.hello["pending_connections"], 0);
    assert_eq!(ben.socket("/ws/").await.hello["pending_connections"], 1);
    accept(&ben, &asked["id"]).await.expect(200);
    assert_eq!(ben.socket("/ws/").await.hello["pending_connections"], 0);
}

#[tokio::test]
async fn changes_are_sent_to_both_users() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.socket("/ws/").await;
    let mut expect_states = async |mine: &str, theirs: &str| {
        let my_frame = here.expect("connection").await;
        let their_frame = there.expect("connection").await;
        assert_eq!(my_frame["connection"]["state"], mine);
        assert_eq!(my_frame["connection"]["user"]["username"], "ben");
        assert_eq!(their_frame["connection"]["state"], theirs);
        assert_eq!(their_frame["connection"]["user"]["username"], "ann");
    };
    let asked = ann.request_connection(&ben).await.expect(201);
    expect_states("requested", "incoming").await;
    accept(&ben, &asked["id"]).await.expect(200);
    expect_states("connected", "connected").await;
    remove(&ann, &asked["id"]).await.expect(204);
    expect_states("none", "none").await;
    let asked = ann.request_connection(&ben).await.expect(201);
    expect_states("requested", "incoming").await;
    decline(&ben, &asked["id"]).await.expect(204);
    expect_states("none", "none").await;
}

#[tokio::test]
async fn connection_pages_list_newest_first() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    befriend(&app, &ann, 102).await;
    let first = ann.get("/api/connections/?limit=1000").await;
    assert_eq!(first.body.as_array().unwrap().len(), 100);
    assert_eq!(first.body[0]["user"]["username"], "friend101");
    let next = first.link("prev").unwrap();
    assert_eq!(first.link("next"), None);
    let last = ann.get(&next).await;
    let names: Vec<_> = last.body.as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2);
    assert_eq!(names[1]["user"]["username"], "friend0");
    assert_eq!(last.link("prev"), None);
    assert_eq!(list(&ann).await.len(), 50);
}
