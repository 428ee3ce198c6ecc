//! `/api/connections/`.

use entity::{Millis, UserId, block};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};

use super::people::befriend;
use crate::support::{Person, TestApp};
use tidings::store::Act;

async fn list(person: &Person) -> Vec<Value> {
    let body = person.get("/api/connections/").await.expect(200);
    body.as_array().unwrap().clone()
}

/// With whom, and how far.
async fn states(person: &Person) -> Vec<(String, String)> {
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

async fn accept(person: &Person, id: &Value) -> crate::support::Answer {
    person
        .post(&format!("/api/connections/{id}/accept/"), json!({}))
        .await
}

async fn decline(person: &Person, id: &Value) -> crate::support::Answer {
    person
        .post(&format!("/api/connections/{id}/decline/"), json!({}))
        .await
}

async fn remove(person: &Person, id: &Value) -> crate::support::Answer {
    person.delete(&format!("/api/connections/{id}/")).await
}

/// As a later step lets people do themselves.
async fn block(app: &TestApp, blocker: &Person, blocked: &Person) {
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
async fn one_asks_the_other_accepts() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
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
async fn asking_back_connects() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    ann.ask_to_connect(&ben).await.expect(201);
    let back = ben.ask_to_connect(&ann).await.expect(200);
    assert_eq!(back["state"], "connected");
    assert_eq!(states(&ann).await, state("ben", "connected"));
}

/// Guards the race of two requests that both find none: the pair's unique key
/// lets one in, and the other is the answer to it.
#[tokio::test]
async fn two_who_ask_each_other_at_once_are_connected() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    for _ in 0..20 {
        let (one, two) = tokio::join!(ann.ask_to_connect(&ben), ben.ask_to_connect(&ann));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "{} {}", one.body, two.body);
        assert_eq!(states(&ann).await, state("ben", "connected"));
        assert_eq!(states(&ben).await, state("ann", "connected"));
        remove(&ann, &one.body["id"]).await.expect(204);
    }
}

#[tokio::test]
async fn asking_and_accepting_again_change_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    assert_eq!(ann.ask_to_connect(&ben).await.expect(200), asked);
    let accepted = accept(&ben, &asked["id"]).await.expect(200);
    assert_eq!(accept(&ben, &asked["id"]).await.expect(200), accepted);
    let again = ann.ask_to_connect(&ben).await.expect(200);
    assert_eq!(
        (&again["id"], &again["state"]),
        (&asked["id"], &json!("connected"))
    );
}

#[tokio::test]
async fn a_declined_request_is_gone_for_both() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    decline(&ben, &asked["id"]).await.expect(204);
    assert_eq!(list(&ann).await, [] as [Value; 0]);
    assert_eq!(list(&ben).await, [] as [Value; 0]);
    decline(&ben, &asked["id"]).await.refused(404, "not_found");
    ann.ask_to_connect(&ben).await.expect(201);
}

#[tokio::test]
async fn either_may_end_a_connection_and_who_asked_may_take_it_back() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    for who in [&ann, &ben] {
        let id = json!(ann.connect_with(&ben).await);
        remove(who, &id).await.expect(204);
        assert_eq!(list(&ann).await, [] as [Value; 0]);
        assert_eq!(list(&ben).await, [] as [Value; 0]);
        remove(who, &id).await.refused(404, "not_found");
    }
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    remove(&ann, &asked["id"]).await.expect(204);
    assert_eq!(list(&ben).await, [] as [Value; 0]);
}

#[tokio::test]
async fn only_who_was_asked_may_answer() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    accept(&ann, &asked["id"]).await.refused(409, "conflict");
    decline(&ann, &asked["id"]).await.refused(409, "conflict");
    accept(&ben, &asked["id"]).await.expect(200);
    decline(&ben, &asked["id"]).await.refused(409, "conflict");
}

#[tokio::test]
async fn strangers_know_nothing_of_a_connection() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let cat = app.person("cat").await;
    let id = list(&ann).await[0]["id"].clone();
    accept(&cat, &id).await.refused(404, "not_found");
    decline(&cat, &id).await.refused(404, "not_found");
    remove(&cat, &id).await.refused(404, "not_found");
    assert_eq!(states(&ben).await, state("ann", "connected"));
}

#[tokio::test]
async fn one_connects_with_others_who_are_there() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    ann.ask_to_connect(&ann).await.refused(409, "conflict");
    let store = app.store().await;
    store
        .deactivate(UserId(ben.id), &Act::at_the_command_line(Millis::now()))
        .await
        .unwrap();
    for name in ["ben", "nobody", "no body"] {
        let body = json!({ "username": name });
        let body = ann.post("/api/connections/", body).await;
        let body = body.refused(422, "invalid");
        assert_eq!(body["errors"][0]["field"], "username", "{name}");
    }
}

#[tokio::test]
async fn a_request_to_who_blocks_one_looks_sent_and_never_arrives() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    block(&app, &ben, &ann).await;
    let mut blocker = ben.socket("/ws/").await;

    let asked = ann.ask_to_connect(&ben).await.expect(201);
    assert_eq!(asked["state"], "requested");
    assert_eq!(states(&ann).await, state("ben", "requested"));
    assert_eq!(ann.ask_to_connect(&ben).await.expect(200), asked);

    assert_eq!(list(&ben).await, [] as [Value; 0]);
    assert_eq!(ben.socket("/ws/").await.hello["pending_connections"], 0);
    accept(&ben, &asked["id"]).await.refused(404, "not_found");
    decline(&ben, &asked["id"]).await.refused(404, "not_found");
    remove(&ben, &asked["id"]).await.refused(404, "not_found");
    ben.ask_to_connect(&ann).await.refused(409, "conflict");

    remove(&ann, &asked["id"]).await.expect(204);
    assert_eq!(list(&ann).await, [] as [Value; 0]);
    blocker.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn who_waits_for_an_answer_is_counted_for_who_was_asked() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    assert_eq!(ann.socket("/ws/").await.hello["pending_connections"], 0);
    assert_eq!(ben.socket("/ws/").await.hello["pending_connections"], 1);
    accept(&ben, &asked["id"]).await.expect(200);
    assert_eq!(ben.socket("/ws/").await.hello["pending_connections"], 0);
}

#[tokio::test]
async fn every_change_is_told_to_both() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.socket("/ws/").await;
    let mut told = async |mine: &str, theirs: &str| {
        let mine_told = here.expect("connection").await;
        let theirs_told = there.expect("connection").await;
        assert_eq!(mine_told["connection"]["state"], mine);
        assert_eq!(mine_told["connection"]["user"]["username"], "ben");
        assert_eq!(theirs_told["connection"]["state"], theirs);
        assert_eq!(theirs_told["connection"]["user"]["username"], "ann");
    };
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    told("requested", "incoming").await;
    accept(&ben, &asked["id"]).await.expect(200);
    told("connected", "connected").await;
    remove(&ann, &asked["id"]).await.expect(204);
    told("none", "none").await;
    let asked = ann.ask_to_connect(&ben).await.expect(201);
    told("requested", "incoming").await;
    decline(&ben, &asked["id"]).await.expect(204);
    told("none", "none").await;
}

#[tokio::test]
async fn a_long_list_has_pages_newest_first() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
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
