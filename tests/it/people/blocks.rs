//! Blocks: what they end, and what the one who is blocked can tell.

use serde_json::{Value, json};

use super::{block, names, profile, put, unblock};
use crate::support::redact::assert_wire;
use crate::support::{Person, TestApp};

async fn connections(person: &Person) -> Vec<Value> {
    let list = person.get("/api/connections/").await.expect(200);
    list.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_block_ends_the_connection_and_both_are_told() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let (mut here, mut there) = (ann.socket("/ws/").await, ben.socket("/ws/").await);
    let seen = block(&ann, &ben).await;
    assert_wire!("profile_of_the_blocked", seen);
    for socket in [&mut here, &mut there] {
        let told = socket.expect("connection").await;
        assert_eq!(told["connection"]["state"], "none", "{told}");
    }
    assert_eq!(connections(&ann).await, connections(&ben).await);
    ann.send(id, "Hello?").await.refused(403, "not_connected");
    ben.send(id, "Hello?").await.refused(403, "not_connected");
    assert_eq!(ben.history(id).await.len(), 1);
    // To the one who is blocked it looks like any end of a connection.
    let theirs = profile(&ben, &ann).await;
    assert_eq!(theirs["connection"], "none");
    assert_eq!(theirs["is_online"], Value::Null);
}

#[tokio::test]
async fn a_block_is_idempotent_and_lifting_it_brings_nothing_back() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let first = block(&ann, &ben).await;
    assert_eq!(block(&ann, &ben).await, first);
    let list = ann.get("/api/blocks/").await.expect(200);
    assert_wire!("blocks", list);
    assert_eq!(ben.get("/api/blocks/").await.expect(200), json!([]));
    unblock(&ann, &ben).await;
    unblock(&ann, &ben).await;
    assert_eq!(ann.get("/api/blocks/").await.expect(200), json!([]));
    assert_eq!(profile(&ann, &ben).await["connection"], "none");
    ann.send(id, "Hello?").await.refused(403, "not_connected");
    ben.ask_to_connect(&ann).await.expect(201);
    assert_eq!(profile(&ann, &ben).await["connection"], "incoming");
}

#[tokio::test]
async fn what_the_blocked_one_asks_looks_sent_and_never_arrives() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let (cat, dan) = (app.person("cat").await, app.person("dan").await);
    // Asked before the block, or after it: no difference, also to others.
    ben.ask_to_connect(&ann).await.expect(201);
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.socket("/ws/").await;
    block(&ann, &ben).await;
    block(&ann, &cat).await;
    cat.ask_to_connect(&ann).await.expect(201);
    let told = here.expect("connection").await;
    assert_eq!(told["connection"]["state"], "none");
    here.expect_nothing_until_pong().await;
    there.expect_nothing_until_pong().await;
    assert_eq!(connections(&ann).await, Vec::<Value>::new());
    dan.ask_to_connect(&ann).await.expect(201);
    for person in [&ben, &cat, &dan] {
        assert_eq!(profile(person, &ann).await["connection"], "requested");
        let [asked] = &connections(person).await[..] else {
            panic!("one request");
        };
        assert_eq!(asked["state"], "requested");
        let path = format!("/api/connections/{}", asked["id"]);
        for call in ["accept", "decline"] {
            let path = format!("{path}/{call}/");
            person.post(&path, json!({})).await.refused(409, "conflict");
        }
        let again = person.ask_to_connect(&ann).await.expect(200);
        assert_eq!(&again, asked);
        person.delete(&format!("{path}/")).await.expect(204);
        assert_eq!(connections(person).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn one_s_own_request_is_taken_back() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    ann.ask_to_connect(&ben).await.expect(201);
    let mut there = ben.socket("/ws/").await;
    assert_eq!(there.hello["pending_connections"], 1);
    block(&ann, &ben).await;
    let told = there.expect("connection").await;
    assert_eq!(told["connection"]["state"], "none");
    assert_eq!(connections(&ben).await, Vec::<Value>::new());
    ann.ask_to_connect(&ben).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_swallowed_request_is_heard_when_it_is_repeated_after_the_block() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    block(&ann, &ben).await;
    ben.ask_to_connect(&ann).await.expect(201);
    unblock(&ann, &ben).await;
    assert_eq!(profile(&ann, &ben).await["connection"], "none");
    let mut here = ann.socket("/ws/").await;
    // To the one who asks it is the request that was there.
    ben.ask_to_connect(&ann).await.expect(200);
    let told = here.expect("connection").await;
    assert_eq!(told["connection"]["state"], "incoming");
    assert_eq!(profile(&ann, &ben).await["connection"], "incoming");
}

#[tokio::test]
async fn each_may_block_the_other_also_at_once() {
    let app = TestApp::spawn().await;
    for round in 0..5 {
        let names = [format!("ann{round}"), format!("ben{round}")];
        let (ann, ben) = app.connected_pair(&names[0], &names[1]).await;
        ann.talk_with(&ben).await;
        let (one, two) = tokio::join!(block(&ann, &ben), block(&ben, &ann));
        assert_eq!(
            (&one["connection"], &two["connection"]),
            (&json!("blocked"), &json!("blocked"))
        );
        assert_eq!(connections(&ann).await, Vec::<Value>::new());
        unblock(&ann, &ben).await;
        // The other's block isn't to be seen.
        assert_eq!(profile(&ann, &ben).await["connection"], "none");
        assert_eq!(profile(&ben, &ann).await["connection"], "blocked");
    }
}

/// Guards: a request that was judged before a block and written after it
/// would reach the one who blocks.
#[tokio::test]
async fn a_request_and_a_block_at_once_leave_no_request() {
    let app = TestApp::spawn().await;
    for round in 0..10 {
        let ann = app.person(&format!("ann{round}")).await;
        let ben = app.person(&format!("ben{round}")).await;
        let (_, asked) = tokio::join!(block(&ann, &ben), ben.ask_to_connect(&ann));
        asked.expect(201);
        assert_eq!(connections(&ann).await, Vec::<Value>::new());
        assert_eq!(connections(&ben).await.len(), 1);
        assert_eq!(ann.socket("/ws/").await.hello["pending_connections"], 0);
    }
}

#[tokio::test]
async fn conversations_hide_the_status_of_both() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let before = ann.conversation(id).await;
    assert_eq!(before["participants"][0]["is_online"], false);
    block(&ann, &ben).await;
    for (me, them) in [(&ann, &ben), (&ben, &ann)] {
        let seen = me.conversation(id).await;
        for person in seen["participants"].as_array().unwrap() {
            let is_them = person["user"]["username"] == them.username.as_str();
            assert_eq!(person["is_online"].is_null(), is_them, "{person}");
        }
    }
}

#[tokio::test]
async fn who_can_be_blocked() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    put(&ann, "/api/blocks/ann/").await.refused(409, "conflict");
    put(&ann, "/api/blocks/nobody/")
        .await
        .refused(404, "not_found");
    ann.delete("/api/blocks/nobody/")
        .await
        .refused(404, "not_found");
    app.get("/api/blocks/")
        .await
        .refused(401, "unauthenticated");
    for name in ["ben", "cat", "dan"] {
        block(&ann, &app.person(name).await).await;
    }
    let one = ann.get("/api/blocks/?limit=2").await;
    let two = ann.get(&one.link("next").unwrap()).await;
    assert_eq!(two.link("next"), None);
    assert_eq!(names(&one.expect(200)), ["ben", "cat"]);
    assert_eq!(names(&two.expect(200)), ["dan"]);
}
