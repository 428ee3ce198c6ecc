//! A user is in at most 2,000 groups.

use super::crew::{friends, invite, leave, make, remove};
use super::largest_group::run;
use crate::support::{TestApp, TestUser};

/// Sets the user's group counter, which the limit reads.
async fn set_group_count(app: &TestApp, person: &TestUser, groups: i32) {
    let set = format!(
        "UPDATE group_count SET groups = {groups} WHERE user_id = {}",
        person.id
    );
    run(app, &[set]).await;
}

#[tokio::test]
async fn user_joins_at_most_2000_groups() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let [ann, ben, _] = &people[..] else {
        panic!("three people");
    };
    let first = make(ann, "First", &["ben", "cas"]).await.expect(201);
    let id = first["id"].as_i64().unwrap();
    remove(ann, id, "ben").await.expect(204);
    set_group_count(&app, ben, 1_999).await;
    let last = make(ann, "Last", &["ben"]).await.expect(201);
    // Ben can't be invited, be put into a new group, or create one.
    invite(ann, id, "ben").await.expect_problem(409, "conflict");
    make(ann, "Over", &["ben", "cas"])
        .await
        .expect_problem(409, "conflict");
    make(ben, "Own", &["ann"])
        .await
        .expect_problem(409, "conflict");
    assert_eq!(
        ann.get("/api/conversations/")
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // The limit affects no other users, and leaving a group frees a place.
    make(ann, "Others", &["cas"]).await.expect(201);
    leave(ben, last["id"].as_i64().unwrap()).await.expect(200);
    invite(ann, id, "ben").await.expect(201);
    invite(ann, id, "cas").await.expect_problem(409, "conflict");
}

#[tokio::test]
async fn concurrent_invitations_stay_within_limit() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let mut groups = Vec::new();
    for at in 0..6 {
        let made = make(ann, &format!("Group {at}"), &["cas"])
            .await
            .expect(201);
        groups.push(made["id"].as_i64().unwrap());
    }
    make(ann, "Ben", &["ben"]).await.expect(201);
    set_group_count(&app, ben, 1_998).await;
    let invitations = groups.iter().map(|id| invite(ann, *id, "ben"));
    let answers = futures_util::future::join_all(invitations).await;
    let count = |status: u16| answers.iter().filter(|it| it.status == status).count();
    assert_eq!((count(201), count(409)), (2, 4));
}
