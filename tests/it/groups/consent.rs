//! A user who left a group is added again only if they accept an invitation.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::crew::{group, invite, leave, make, remove, roles, set_role};
use crate::people::block;
use crate::support::redact::assert_wire;
use crate::support::{ApiResponse, TestApp, TestUser, until};

const DAY: i64 = 24 * 3600 * 1000;

async fn invitations(person: &TestUser) -> Vec<Value> {
    let list = person.get("/api/invitations/").await.expect(200);
    list.as_array().unwrap().clone()
}

async fn answer(person: &TestUser, invitation: &Value, act: &str) -> ApiResponse {
    let path = format!("/api/invitations/{}/{act}/", invitation["id"]);
    person.post(&path, json!({})).await
}

async fn is_in(group: i64, person: &TestUser) -> bool {
    !person.conversation(group).await["left"].as_bool().unwrap()
}

/// Creates a group of three users, which the second user leaves.
async fn left(app: &TestApp) -> (i64, Vec<TestUser>) {
    let (id, people) = group(app, &["ann", "ben", "cat"]).await;
    leave(&people[1], id).await.expect(200);
    (id, people)
}

async fn pass(app: &TestApp, days: i64) {
    let db = app.database().connection().await;
    let by = days * DAY;
    let sql = format!("UPDATE group_invitation SET declined_until = declined_until - {by}");
    db.execute_unprepared(&sql).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn leaver_is_added_only_after_accepting() {
    let app = TestApp::spawn().await;
    let (id, people) = left(&app).await;
    let (ann, ben) = (&people[0], &people[1]);
    let mut there = ben.socket("/ws/").await;
    let invited = invite(ann, id, "ben").await.expect(202);
    assert_wire!("invited", invited.clone());
    let told = there.expect("invitation").await;
    assert_eq!(told["invitation"]["conversation_id"], json!(id));
    // Repeated invitations change nothing and send no frame.
    for _ in 0..10 {
        assert_eq!(invite(ann, id, "ben").await.expect(202), invited);
    }
    there.expect_nothing_until_pong().await;
    assert!(!is_in(id, ben).await);
    assert_eq!(roles(ann, id).await.len(), 2);
    let list = invitations(ben).await;
    assert_eq!(list, [told["invitation"].clone()]);
    let joined = answer(ben, &list[0], "accept").await.expect(200);
    assert_eq!(
        (&joined["id"], &joined["left"]),
        (&json!(id), &json!(false))
    );
    there.expect("conversation").await;
    there.expect_message().await;
    let ended = there.expect("invitation").await;
    assert_eq!(ended["invitation"]["state"], "none");
    assert!(invitations(ben).await.is_empty());
    let last = joined["last_message"]["text"].as_str().unwrap();
    assert_eq!(last, "\u{2068}ann\u{2069} added \u{2068}ben\u{2069}");
    answer(ben, &list[0], "accept")
        .await
        .expect_problem(404, "not_found");
    // If the user leaves again, returning requires consent again.
    leave(ben, id).await.expect(200);
    there.expect("conversation_removed").await;
    invite(ann, id, "ben").await.expect(202);
    there.expect("invitation").await;
}

#[tokio::test]
async fn declined_invitations_are_not_delivered() {
    let app = TestApp::spawn().await;
    let (id, people) = left(&app).await;
    let (ann, ben, cat) = (&people[0], &people[1], &people[2]);
    cat.connect_with(ben).await;
    set_role(ann, id, "cat", "admin").await.expect(200);
    let invited = invite(ann, id, "ben").await.expect(202);
    let first = invitations(ben).await.remove(0);
    let mut there = ben.socket("/ws/").await;
    answer(ben, &first, "decline").await.expect(204);
    let ended = there.expect("invitation").await;
    assert_eq!(ended["invitation"]["state"], "none");
    pass(&app, 29).await;
    for inviter in [ann, cat, ann] {
        // The inviter can't see that the invitation was declined.
        assert_eq!(invite(inviter, id, "ben").await.expect(202), invited);
    }
    there.expect_nothing_until_pong().await;
    assert!(invitations(ben).await.is_empty());
    for act in ["accept", "decline"] {
        answer(ben, &first, act)
            .await
            .expect_problem(404, "not_found");
    }
    // A declined invitation to one group doesn't hide those to others.
    let other = make(ann, "Other", &["ben", "cat"]).await.expect(201);
    let other = other["id"].as_i64().unwrap();
    there.expect("conversation").await;
    leave(ben, other).await.expect(200);
    there.expect("conversation_removed").await;
    invite(ann, other, "ben").await.expect(202);
    there.expect("invitation").await;
    pass(&app, 1).await;
    invite(ann, id, "ben").await.expect(202);
    let told = there.expect("invitation").await;
    assert_ne!(told["invitation"]["id"], first["id"]);
    answer(ben, &told["invitation"], "accept").await.expect(200);
}

#[tokio::test]
async fn removed_member_is_added_at_once() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cat"]).await;
    remove(&people[0], id, "ben").await.expect(204);
    invite(&people[0], id, "ben").await.expect(201);
    // The latest exit counts: a member who left earlier but was removed last
    // returns without consent.
    leave(&people[1], id).await.expect(200);
    invite(&people[0], id, "ben").await.expect(202);
    let list = invitations(&people[1]).await;
    answer(&people[1], &list[0], "accept").await.expect(200);
    remove(&people[0], id, "ben").await.expect(204);
    invite(&people[0], id, "ben").await.expect(201);
}

#[tokio::test]
async fn self_removal_requires_consent_to_return() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cat"]).await;
    set_role(&people[0], id, "ben", "admin").await.expect(200);
    remove(&people[1], id, "ben").await.expect(204);
    invite(&people[0], id, "ben").await.expect(202);
}

#[tokio::test]
async fn inviter_without_rights_is_refused() {
    let app = TestApp::spawn().await;
    let (id, people) = left(&app).await;
    let (ann, ben, cat) = (&people[0], &people[1], &people[2]);
    cat.connect_with(ben).await;
    invite(cat, id, "ben")
        .await
        .expect_problem(403, "forbidden");
    invite(ben, id, "ben")
        .await
        .expect_problem(403, "not_a_participant");
    block(ben, ann).await;
    invite(ann, id, "ben")
        .await
        .expect_problem(403, "not_connected");
    assert!(invitations(ben).await.is_empty());
}

#[tokio::test]
async fn accepting_checks_rights_of_inviter_again() {
    let app = TestApp::spawn().await;
    let (id, people) = left(&app).await;
    let (ann, ben, cat) = (&people[0], &people[1], &people[2]);
    cat.connect_with(ben).await;
    set_role(ann, id, "cat", "admin").await.expect(200);
    invite(cat, id, "ben").await.expect(202);
    set_role(ann, id, "cat", "member").await.expect(200);
    let list = invitations(ben).await;
    answer(ben, &list[0], "accept")
        .await
        .expect_problem(409, "conflict");
    assert!(!is_in(id, ben).await);
    assert!(invitations(ben).await.is_empty());
    // Accepting checks the rights of the last inviter.
    set_role(ann, id, "cat", "admin").await.expect(200);
    invite(cat, id, "ben").await.expect(202);
    invite(ann, id, "ben").await.expect(202);
    set_role(ann, id, "cat", "member").await.expect(200);
    let list = invitations(ben).await;
    answer(ben, &list[0], "accept").await.expect(200);
    assert!(is_in(id, ben).await);
}

#[tokio::test]
async fn blocked_inviters_invitation_is_hidden() {
    let app = TestApp::spawn().await;
    let (id, people) = left(&app).await;
    let (ann, ben) = (&people[0], &people[1]);
    invite(ann, id, "ben").await.expect(202);
    let list = invitations(ben).await;
    block(ben, ann).await;
    assert!(invitations(ben).await.is_empty());
    answer(ben, &list[0], "accept")
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn other_users_cannot_answer_invitation() {
    let app = TestApp::spawn().await;
    let (id, people) = left(&app).await;
    invite(&people[0], id, "ben").await.expect(202);
    let list = invitations(&people[1]).await;
    for other in [&people[0], &people[2]] {
        assert!(invitations(other).await.is_empty());
        for act in ["accept", "decline"] {
            let refused = answer(other, &list[0], act).await;
            refused.expect_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn invitations_are_paged_newest_first() {
    let app = TestApp::spawn().await;
    let (first, people) = left(&app).await;
    let mut groups = vec![first];
    for title in ["Two", "Three"] {
        let made = make(&people[0], title, &["ben", "cat"]).await.expect(201);
        groups.push(made["id"].as_i64().unwrap());
        leave(&people[1], groups[groups.len() - 1])
            .await
            .expect(200);
    }
    for id in &groups {
        invite(&people[0], *id, "ben").await.expect(202);
    }
    let one = people[1].get("/api/invitations/?limit=2").await;
    let two = people[1].get(&one.link("prev").unwrap()).await;
    assert_eq!(two.link("prev"), None);
    let ids = |list: &Value| {
        let list = list.as_array().unwrap().iter();
        let ids = list.map(|one| one["conversation_id"].as_i64().unwrap());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&one.expect(200)), [groups[2], groups[1]]);
    assert_eq!(ids(&two.expect(200)), [groups[0]]);
}

#[tokio::test]
async fn declined_invitations_expire_after_30_days() {
    let app = TestApp::builder()
        .settings(|settings| settings.timings.cleanup_every = Duration::from_millis(50))
        .spawn()
        .await;
    let (id, people) = left(&app).await;
    invite(&people[0], id, "ben").await.expect(202);
    let list = invitations(&people[1]).await;
    answer(&people[1], &list[0], "decline").await.expect(204);
    let db = app.database().connection().await;
    let rows = async || {
        let sql = "SELECT COUNT(*) FROM group_invitation";
        let count = Statement::from_string(db.get_database_backend(), sql);
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

/// Guards against a race: an invitation that is in progress while the user
/// leaves must not add them again.
#[tokio::test]
async fn invitation_during_leave_readds_no_member() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cat"]).await;
    for _ in 0..10 {
        let (left, invited) = tokio::join!(leave(&people[1], id), invite(&people[0], id, "ben"));
        left.expect(200);
        assert!([202, 409].contains(&invited.status), "{}", invited.body);
        assert!(!is_in(id, &people[1]).await);
        invite(&people[0], id, "ben").await.expect(202);
        let list = invitations(&people[1]).await;
        answer(&people[1], &list[0], "accept").await.expect(200);
    }
}
