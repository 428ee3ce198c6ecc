//! `/api/conversations/`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::people::befriend;
use crate::support::{TestApp, TestUser};

async fn list(person: &TestUser) -> Vec<Value> {
    let body = person.get("/api/conversations/").await.expect(200);
    body.as_array().unwrap().clone()
}

async fn ids(person: &TestUser) -> Vec<i64> {
    let conversations = list(person).await;
    let ids = conversations
        .iter()
        .map(|found| found["id"].as_i64().unwrap());
    ids.collect()
}

#[tokio::test]
async fn pair_shares_one_direct_conversation() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let opened = ann.post_direct(&ben).await.expect(201);
    assert_eq!(ann.post_direct(&ben).await.expect(200)["id"], opened["id"]);
    assert_eq!(ben.post_direct(&ann).await.expect(200)["id"], opened["id"]);
}

/// Guards the race of two requests that both find no conversation. The unique
/// `direct_key` admits one insert, and the other request finds its row.
#[tokio::test]
async fn concurrent_openings_create_one_conversation() {
    let app = TestApp::spawn().await;
    let mut people: Vec<TestUser> = Vec::new();
    for at in 0..8 {
        let person = app.register_user(&format!("person{at}")).await;
        for other in &people {
            other.connect_with(&person).await;
        }
        people.push(person);
    }
    for (at, one) in people.iter().enumerate() {
        for two in &people[at + 1..] {
            let (mine, theirs) = tokio::join!(one.post_direct(two), two.post_direct(one));
            assert_eq!(mine.body["id"], theirs.body["id"]);
            let mut statuses = [mine.status, theirs.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 201]);
            assert_eq!(mine.body["participants"].as_array().unwrap().len(), 2);
        }
    }
}

#[tokio::test]
async fn direct_conversation_needs_connection() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    ann.post_direct(&ben)
        .await
        .expect_problem(403, "not_connected");
    ann.request_connection(&ben).await.expect(201);
    ann.post_direct(&ben)
        .await
        .expect_problem(403, "not_connected");
    ben.post_direct(&ann)
        .await
        .expect_problem(403, "not_connected");
    ann.post_direct(&ann).await.expect_problem(409, "conflict");
    let nobody = json!({ "username": "nobody" });
    let body = ann.post("/api/conversations/create/", nobody).await;
    let body = body.expect_problem(422, "invalid");
    assert_eq!(body["errors"][0]["field"], "username");
}

#[tokio::test]
async fn empty_conversation_is_listed_for_opener() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let mut there = ben.socket("/ws/").await;
    let mut here = ann.socket("/ws/").await;
    let id = ann.open_direct(&ben).await;
    assert_eq!(here.expect("conversation").await["conversation"]["id"], id);
    assert_eq!(ids(&ann).await, [id]);
    assert_eq!(ids(&ben).await, [] as [i64; 0]);
    there.expect_nothing_until_pong().await;

    ann.send(id, "Hello").await.expect(201);
    assert_eq!(ids(&ben).await, [id]);
    let shown = there.expect("conversation").await;
    assert_eq!(shown["conversation"]["id"], id);
    assert_eq!(shown["conversation"]["unread_count"], 1);
    there.expect_message().await;
}

#[tokio::test]
async fn most_recent_conversation_is_first() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let with_ben = ann.open_direct_used(&ben).await;
    let with_cat = ann.open_direct_used(&cat).await;
    assert_eq!(ids(&ann).await, [with_cat, with_ben]);
    ben.send(with_ben, "Me again").await.expect(201);
    assert_eq!(ids(&ann).await, [with_ben, with_cat]);
    assert_eq!(list(&ann).await[0]["last_message"]["text"], "Me again");
}

#[tokio::test]
async fn pages_list_each_conversation_once() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let mut opened = befriend(&app, &ann, 102).await;
    // A message moves its conversation to the top of the list.
    for id in [opened[3], opened[50], opened[0]] {
        ann.send(id, "Up").await.expect(201);
    }
    let most = ann.get("/api/conversations/?limit=1000").await;
    assert_eq!(most.body.as_array().unwrap().len(), 100);
    assert_eq!(ids(&ann).await.len(), 50);

    let mut seen = Vec::new();
    let mut next = Some("/api/conversations/?limit=7".to_owned());
    while let Some(path) = next {
        let page = ann.get(&path).await;
        next = page.link("prev");
        let found = page.expect(200);
        let found = found.as_array().unwrap().iter();
        seen.extend(found.map(|found| found["id"].as_i64().unwrap()));
    }
    assert_eq!(seen[..3], [opened[0], opened[50], opened[3]]);
    assert_eq!(seen.len(), 102);
    seen.sort_unstable();
    opened.sort_unstable();
    assert_eq!(seen, opened);
}

#[tokio::test]
async fn invalid_cursor_is_refused() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    for cursor in [
        "",
        "1",
        "2.1.1",
        "1.1.1.1",
        "x.y.z",
        "0.1.99999999999999999999",
    ] {
        let path = format!("/api/conversations/?before={cursor}");
        ann.get(&path).await.expect_problem(400, "bad_request");
    }
}

#[tokio::test]
async fn conversation_is_hidden_from_strangers() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    cat.connect_with(&ann).await;
    let id = ann.open_direct_used(&ben).await;
    let mut bodies = BTreeSet::new();
    for id in [id, 1_000_000] {
        let path = format!("/api/conversations/{id}/");
        bodies.insert(
            cat.get(&path)
                .await
                .expect_problem(404, "not_found")
                .to_string(),
        );
        let path = format!("/api/conversations/{id}/messages/");
        bodies.insert(
            cat.get(&path)
                .await
                .expect_problem(404, "not_found")
                .to_string(),
        );
        let sent = cat.send(id, "Hello").await;
        bodies.insert(sent.expect_problem(404, "not_found").to_string());
        let retried = cat.send_as(id, "Hello", "name").await;
        bodies.insert(retried.expect_problem(404, "not_found").to_string());
    }
    // Equal bodies hide that the conversation exists.
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(ids(&cat).await, [] as [i64; 0]);
    assert_eq!(ann.history(id).await.len(), 1);
}

#[tokio::test]
async fn messages_after_own_last_are_unread() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    cat.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let other = cat.open_direct_used(&ben).await;
    ann.send(id, "And another").await.expect(201);
    assert_eq!(ann.conversation(id).await["unread_count"], 0);
    assert_eq!(ben.conversation(id).await["unread_count"], 2);
    assert_eq!(ben.conversation(other).await["unread_count"], 1);
    assert_eq!(ben.socket("/ws/").await.hello["total_unread"], 3);

    ben.send(id, "I see").await.expect(201);
    assert_eq!(ben.conversation(id).await["unread_count"], 0);
    assert_eq!(ann.conversation(id).await["unread_count"], 1);
    assert_eq!(ben.socket("/ws/").await.hello["total_unread"], 1);
}

#[tokio::test]
async fn reply_marks_earlier_messages_read() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let waiting = ann.history(id).await;
    assert_eq!(waiting[0]["status"], "sent");
    assert_eq!(waiting[0]["is_read"], false);
    assert_eq!(waiting[0]["read_at"], Value::Null);

    ben.send(id, "I see").await.expect(201);
    ann.send(id, "Good").await.expect(201);
    let history = ann.history(id).await;
    let statuses: Vec<_> = history.iter().map(|message| &message["status"]).collect();
    assert_eq!(statuses, ["read", "read", "sent"]);
    for message in &history[..2] {
        assert_eq!(message["is_read"], true);
        assert!(message["read_at"].is_string());
        assert!(message["delivered_at"].is_string());
    }
    let seen = ben.conversation(id).await;
    assert_eq!(
        (&seen["all_read_seq"], &seen["all_delivered_seq"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(seen["last_message"]["text"], "Good");
}
