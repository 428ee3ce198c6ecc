//! The view that former members keep, and the state of members who return.

use serde_json::{Value, json};

use super::crew::{bring_back, friends, group, invite, leave, make, remove, rename, seqs};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser};

async fn listed(person: &TestUser) -> Vec<i64> {
    let list = person.get("/api/conversations/").await.expect(200);
    let list = list.as_array().unwrap().iter();
    list.map(|found| found["id"].as_i64().unwrap()).collect()
}

/// Returns the fields that show how much of the conversation is visible.
fn sight(view: &Value) -> Value {
    json!([
        view["left"],
        view["last_seq"],
        view["version"],
        view["unread_count"],
        view["last_message"]["seq"],
    ])
}

#[tokio::test]
async fn former_member_sees_conversation_as_then() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    people[0].send(id, "One.").await.expect(201);
    people[0].send(id, "Two.").await.expect(201);
    let left = leave(&people[1], id).await.expect(200);
    assert_wire!("conversation_left", left.clone());
    assert_eq!(sight(&left), json!([true, 3, 4, 2, 3]));
    for text in ["Three.", "Four."] {
        people[0].send(id, text).await.expect(201);
    }
    rename(&people[0], id, "Later").await.expect(200);
    let seen = people[1].conversation(id).await;
    assert_eq!(sight(&seen), sight(&left));
    assert_eq!(seen["title"], "Crew");
    assert_eq!(people[0].conversation(id).await["title"], "Later");
    assert_eq!(seqs(&people[1], id).await, [1, 2, 3]);
    for place in ["after=1", "around=3", "before=99"] {
        let path = format!("/api/conversations/{id}/messages/?{place}");
        let page = people[1].get(&path).await;
        assert_eq!(page.link("next"), None, "{place}");
        let last = page.expect(200).as_array().unwrap().last().unwrap()["seq"].clone();
        assert_eq!(last, 3, "{place}");
    }
    let after = format!("/api/conversations/{id}/messages/?after=3");
    assert_eq!(people[1].get(&after).await.expect(200), json!([]));
}

#[tokio::test]
async fn removed_member_sees_same_as_leaver() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    people[0].send(id, "One.").await.expect(201);
    assert_eq!(remove(&people[0], id, "ben").await.status, 204);
    let seen = people[1].conversation(id).await;
    assert_eq!(sight(&seen), json!([true, 2, 3, 1, 2]));
    assert_eq!(seqs(&people[1], id).await, [1, 2]);
}

#[tokio::test]
async fn former_member_cannot_send_or_connect() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let first = people[1].send_as(id, "Hello!", "name").await.expect(201);
    leave(&people[1], id).await.expect(200);
    people[1]
        .send(id, "Hello?")
        .await
        .expect_problem(403, "not_a_participant");
    let retried = people[1].send_as(id, "Hello!", "name").await.expect(200);
    assert_eq!(retried["id"], first["id"]);
    let request = people[1]
        .site
        .request(reqwest::Method::GET, &format!("/ws/chat/{id}/"));
    let request = request
        .bearer_auth(&people[1].token)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let answer = people[1].site.send(request).await;
    answer.expect_problem(403, "not_a_participant");
    let mut socket = people[1].socket("/ws/").await;
    socket
        .send(json!({ "type": "message", "conversation_id": id, "message": "Hello?" }))
        .await;
    socket.expect_error("not_a_participant").await;
}

#[tokio::test]
async fn later_messages_keep_former_members_list() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let mut ids = Vec::new();
    for title in ["One", "Two"] {
        let made = make(&people[0], title, &["ben"]).await.expect(201);
        let id = made["id"].as_i64().unwrap();
        people[0].send(id, "Hello!").await.expect(201);
        ids.push(id);
    }
    assert_eq!(listed(&people[1]).await, [ids[1], ids[0]]);
    leave(&people[1], ids[0]).await.expect(200);
    people[0].send(ids[0], "Later.").await.expect(201);
    assert_eq!(listed(&people[0]).await, [ids[0], ids[1]]);
    assert_eq!(listed(&people[1]).await, [ids[1], ids[0]]);
    let hello = people[1].socket("/ws/").await.hello;
    assert_eq!(
        hello["total_unread"], 1,
        "the group they left isn't counted"
    );
}

#[tokio::test]
async fn returning_member_has_fresh_state() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    super::crew::set_role(&people[0], id, "ben", "admin")
        .await
        .expect(200);
    people[0].send(id, "Before.").await.expect(201);
    super::crew::set_mine(&people[1], id, json!({ "pinned": true, "archived": true }))
        .await
        .expect(200);
    leave(&people[1], id).await.expect(200);
    people[0].send(id, "Between.").await.expect(201);
    bring_back(&people[0], id, &people[1]).await;
    let members = format!("/api/conversations/{id}/members/");
    let members = people[0].get(&members).await.expect(200);
    let mut members = members.as_array().unwrap().iter();
    let member = members.find(|member| member["user"]["username"] == "ben");
    let member = member.unwrap();
    assert_eq!(member["role"], "member");
    assert_eq!(
        (&member["read_seq"], &member["delivered_seq"]),
        (&json!(6), &json!(6))
    );
    people[0].send(id, "After.").await.expect(201);
    let seen = people[1].conversation(id).await;
    assert_eq!(sight(&seen), json!([false, 7, 8, 1, 7]));
    assert_eq!(
        (&seen["pinned"], &seen["archived"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(seqs(&people[1], id).await, [6, 7]);
    people[1].send(id, "Hello again!").await.expect(201);
    assert_eq!(people[1].conversation(id).await["unread_count"], 0);
}

#[tokio::test]
async fn former_member_sees_only_themselves() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan"]).await;
    let made = make(&people[0], "Crew", &["ben", "cas"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    leave(&people[1], id).await.expect(200);
    invite(&people[0], id, "dan").await.expect(201);
    let names = |view: &Value| {
        let people = view["participants"].as_array().unwrap().iter();
        let names = people.map(|person| person["user"]["username"].as_str().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names
    };
    let here = people[0].conversation(id).await;
    assert_eq!(names(&here), ["ann", "cas", "dan"]);
    assert_eq!(here["participant_count"], 3);
    let there = people[1].conversation(id).await;
    assert_eq!(names(&there), ["ben"]);
}
