//! A group with members always has exactly one owner.

use serde_json::json;

use super::crew::{as_roles, friends, group, invite, leave, make, roles, seqs, set_role};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser};

async fn sorted(person: &TestUser, id: i64) -> Vec<(String, String)> {
    let mut roles = roles(person, id).await;
    roles.sort();
    roles
}

#[tokio::test]
async fn former_owner_becomes_admin() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let member = set_role(&people[0], id, "ben", "owner").await.expect(200);
    assert_wire!("member_owner", member);
    let now = [("ann", "admin"), ("ben", "owner"), ("cas", "member")];
    assert_eq!(sorted(&people[2], id).await, as_roles(&now));
    set_role(&people[0], id, "cas", "admin")
        .await
        .expect_problem(403, "forbidden");
    set_role(&people[1], id, "cas", "admin").await.expect(200);
}

#[tokio::test]
async fn longest_serving_admin_succeeds_owner() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan", "eve"]).await;
    let made = make(&people[0], "Crew", &["eve"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    // The users join in this order, which isn't the order of their ids.
    for name in ["dan", "cas", "ben"] {
        invite(&people[0], id, name).await.expect(201);
    }
    for name in ["ben", "cas"] {
        set_role(&people[0], id, name, "admin").await.expect(200);
    }
    leave(&people[0], id).await.expect(200);
    let now = [
        ("ben", "admin"),
        ("cas", "owner"),
        ("dan", "member"),
        ("eve", "member"),
    ];
    assert_eq!(sorted(&people[4], id).await, as_roles(&now));
    leave(&people[2], id).await.expect(200);
    leave(&people[1], id).await.expect(200);
    let now = [("dan", "member"), ("eve", "owner")];
    assert_eq!(sorted(&people[4], id).await, as_roles(&now));
}

#[tokio::test]
async fn leaving_member_changes_no_role() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    leave(&people[1], id).await.expect(200);
    let now = [("ann", "owner"), ("cas", "member")];
    assert_eq!(sorted(&people[0], id).await, as_roles(&now));
}

#[tokio::test]
async fn last_member_can_read_empty_group() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    people[1].send(id, "Bye.").await.expect(201);
    leave(&people[0], id).await.expect(200);
    people[1].send(id, "Alone.").await.expect(201);
    let left = leave(&people[1], id).await.expect(200);
    assert_eq!(
        (&left["left"], &left["participant_count"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(seqs(&people[0], id).await, [1, 2]);
    assert_eq!(seqs(&people[1], id).await, [1, 2, 3, 4]);
    for person in &people {
        leave(person, id)
            .await
            .expect_problem(403, "not_a_participant");
        person
            .send(id, "Hello?")
            .await
            .expect_problem(403, "not_a_participant");
    }
}

/// Guards the race of an owner who leaves during a transfer: in either order
/// the group keeps one owner.
#[tokio::test]
async fn concurrent_role_changes_leave_one_owner() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan"]).await;
    for _ in 0..10 {
        let made = make(&people[0], "Crew", &["ben", "cas", "dan"]).await;
        let id = made.expect(201)["id"].as_i64().unwrap();
        set_role(&people[0], id, "cas", "admin").await.expect(200);
        tokio::join!(
            set_role(&people[0], id, "ben", "owner"),
            leave(&people[0], id),
            leave(&people[1], id),
            leave(&people[2], id),
        );
        let left = roles(&people[3], id).await;
        let owners = left.iter().filter(|(_, role)| role == "owner");
        assert_eq!(owners.count(), 1, "{left:?}");
        let seen = people[3].conversation(id).await;
        assert_eq!(seen["participant_count"], left.len());
    }
}
