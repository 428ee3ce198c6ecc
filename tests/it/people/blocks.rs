//! Blocks: what they end, and what the blocked user can find out.

use serde_json::{Value, json};

use super::{block, names, profile, put, unblock};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser};

async fn connections(person: &TestUser) -> Vec<Value> {
    let list = person.get("/api/connections/").await.expect(200);
    list.as_array().unwrap().clone()
}

#[tokio::test]
async fn block_ends_connection_of_both() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let (mut here, mut there) = (ann.socket("/ws/").await, ben.socket("/ws/").await);
    let seen = block(&ann, &ben).await;
    assert_wire!("profile_of_the_blocked", seen);
    for socket in [&mut here, &mut there] {
        let told = socket.expect("connection").await;
        assert_eq!(told["connection"]["state"], "none", "{told}");
    }
    assert_eq!(connections(&ann).await, connections(&ben).await);
    ann.send(id, "Hello?")
        .await
        .expect_problem(403, "not_connected");
    ben.send(id, "Hello?")
        .await
        .expect_problem(403, "not_connected");
    assert_eq!(ben.history(id).await.len(), 1);
    // The blocked user sees an ordinary end of the connection.
    let theirs = profile(&ben, &ann).await;
    assert_eq!(theirs["connection"], "none");
    assert_eq!(theirs["is_online"], Value::Null);
}

#[tokio::test]
async fn unblocking_restores_no_connection() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let first = block(&ann, &ben).await;
    assert_eq!(block(&ann, &ben).await, first);
    let list = ann.get("/api/blocks/").await.expect(200);
    assert_wire!("blocks", list);
    assert_eq!(ben.get("/api/blocks/").await.expect(200), json!([]));
    unblock(&ann, &ben).await;
    unblock(&ann, &ben).await;
    assert_eq!(ann.get("/api/blocks/").await.expect(200), json!([]));
    assert_eq!(profile(&ann, &ben).await["connection"], "none");
    ann.send(id, "Hello?")
        .await
        .expect_problem(403, "not_connected");
    ben.request_connection(&ann).await.expect(201);
    assert_eq!(profile(&ann, &ben).await["connection"], "incoming");
}

#[tokio::test]
async fn blocked_request_is_never_delivered() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let (cat, dan) = (
        app.register_user("cat").await,
        app.register_user("dan").await,
    );
    // To the requester, requests before and after the block look like one to a
    // user without a block.
    ben.request_connection(&ann).await.expect(201);
    let mut here = ann.socket("/ws/").await;
    let mut there = ben.socket("/ws/").await;
    block(&ann, &ben).await;
    block(&ann, &cat).await;
    cat.request_connection(&ann).await.expect(201);
    let told = here.expect("connection").await;
    assert_eq!(told["connection"]["state"], "none");
    here.expect_nothing_until_pong().await;
    there.expect_nothing_until_pong().await;
    assert_eq!(connections(&ann).await, Vec::<Value>::new());
    dan.request_connection(&ann).await.expect(201);
    for person in [&ben, &cat, &dan] {
        assert_eq!(profile(person, &ann).await["connection"], "requested");
        let [asked] = &connections(person).await[..] else {
            panic!("one request");
        };
        assert_eq!(asked["state"], "requested");
        let path = format!("/api/connections/{}", asked["id"]);
        for call in ["accept", "decline"] {
            let path = format!("{path}/{call}/");
            person
                .post(&path, json!({}))
                .await
                .expect_problem(409, "conflict");
        }
        let again = person.request_connection(&ann).await.expect(200);
        assert_eq!(&again, asked);
        person.delete(&format!("{path}/")).await.expect(204);
        assert_eq!(connections(person).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn block_cancels_own_request() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    ann.request_connection(&ben).await.expect(201);
    let mut there = ben.socket("/ws/").await;
    assert_eq!(there.hello["pending_connections"], 1);
    block(&ann, &ben).await;
    let told = there.expect("connection").await;
    assert_eq!(told["connection"]["state"], "none");
    assert_eq!(connections(&ben).await, Vec::<Value>::new());
    ann.request_connection(&ben)
        .await
        .expect_problem(409, "conflict");
}

#[tokio::test]
async fn repeated_request_arrives_after_unblocking() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    block(&ann, &ben).await;
    ben.request_connection(&ann).await.expect(201);
    unblock(&ann, &ben).await;
    assert_eq!(profile(&ann, &ben).await["connection"], "none");
    let mut here = ann.socket("/ws/").await;
    // The response shows the requester the existing request.
    ben.request_connection(&ann).await.expect(200);
    let told = here.expect("connection").await;
    assert_eq!(told["connection"]["state"], "incoming");
    assert_eq!(profile(&ann, &ben).await["connection"], "incoming");
}

#[tokio::test]
async fn concurrent_mutual_blocks_both_succeed() {
    let app = TestApp::spawn().await;
    for round in 0..5 {
        let names = [format!("ann{round}"), format!("ben{round}")];
        let (ann, ben) = app.register_connected(&names[0], &names[1]).await;
        ann.open_direct_used(&ben).await;
        let (one, two) = tokio::join!(block(&ann, &ben), block(&ben, &ann));
        assert_eq!(
            (&one["connection"], &two["connection"]),
            (&json!("blocked"), &json!("blocked"))
        );
        assert_eq!(connections(&ann).await, Vec::<Value>::new());
        unblock(&ann, &ben).await;
        // The other user's block stays hidden.
        assert_eq!(profile(&ann, &ben).await["connection"], "none");
        assert_eq!(profile(&ben, &ann).await["connection"], "blocked");
    }
}

/// Guards against a race: a request that was checked before a block and written
/// after it would reach the blocking user.
#[tokio::test]
async fn concurrent_block_hides_request() {
    let app = TestApp::spawn().await;
    for round in 0..10 {
        let ann = app.register_user(&format!("ann{round}")).await;
        let ben = app.register_user(&format!("ben{round}")).await;
        let (_, asked) = tokio::join!(block(&ann, &ben), ben.request_connection(&ann));
        asked.expect(201);
        assert_eq!(connections(&ann).await, Vec::<Value>::new());
        assert_eq!(connections(&ben).await.len(), 1);
        assert_eq!(ann.socket("/ws/").await.hello["pending_connections"], 0);
    }
}

#[tokio::test]
async fn block_hides_presence_in_conversations() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
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
async fn blocking_self_or_unknown_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    put(&ann, "/api/blocks/ann/")
        .await
        .expect_problem(409, "conflict");
    put(&ann, "/api/blocks/nobody/")
        .await
        .expect_problem(404, "not_found");
    ann.delete("/api/blocks/nobody/")
        .await
        .expect_problem(404, "not_found");
    app.get("/api/blocks/")
        .await
        .expect_problem(401, "unauthenticated");
    for name in ["ben", "cat", "dan"] {
        block(&ann, &app.register_user(name).await).await;
    }
    let one = ann.get("/api/blocks/?limit=2").await;
    let two = ann.get(&one.link("next").unwrap()).await;
    assert_eq!(two.link("next"), None);
    assert_eq!(names(&one.expect(200)), ["ben", "cat"]);
    assert_eq!(names(&two.expect(200)), ["dan"]);
}
