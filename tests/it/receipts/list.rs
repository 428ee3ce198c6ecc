//! `GET /api/conversations/{id}/messages/{message_id}/receipts/`: the members
//! who received a message, for its sender.

use serde_json::{Value, json};

use super::{has, has_read};
use crate::groups::crew::{bring_back, friends, group, invite, leave, make};
use crate::groups::largest_group::{fill, run};
use crate::support::redact::assert_wire;
use crate::support::{ApiResponse, TestApp, TestUser};

fn path(message: &Value) -> String {
    format!(
        "/api/conversations/{}/messages/{}/receipts/",
        message["conversation_id"], message["id"]
    )
}

pub(super) async fn receipts(person: &TestUser, message: &Value) -> ApiResponse {
    person.get(&path(message)).await
}

/// Returns each username, and whether that member received and read the
/// message.
fn states(list: &Value) -> Vec<(&str, bool, bool)> {
    let list = list.as_array().unwrap().iter();
    let states = list.map(|one| {
        let name = one["user"]["username"].as_str().unwrap();
        let flag = |at: &str| one[at].as_bool().unwrap();
        (name, flag("delivered"), flag("read"))
    });
    states.collect()
}

#[tokio::test]
async fn sender_sees_receipts_of_each_member() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas", "dan"]).await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    has(&people[1], &sent).await;
    has(&people[2], &sent).await;
    has_read(&people[2], &sent).await;
    let list = receipts(&people[0], &sent).await.expect(200);
    assert_eq!(
        states(&list),
        [
            ("ben", true, false),
            ("cas", true, true),
            ("dan", false, false)
        ]
    );
    assert!(list[1]["delivered_at"].as_str() < list[1]["read_at"].as_str());
    assert_wire!("receipts", list.clone());
    // Later markers don't change earlier times.
    let next = people[0].send(id, "Or not?").await.expect(201);
    has_read(&people[1], &next).await;
    has_read(&people[2], &next).await;
    let after = receipts(&people[0], &sent).await.expect(200);
    assert_eq!(after[1], list[1]);
    assert_eq!(after[0]["delivered_at"], list[0]["delivered_at"]);
    assert_eq!(states(&after)[0], ("ben", true, true));
}

/// With two members, the watermark is the other user's marker.
#[tokio::test]
async fn direct_receipts_match_message_times() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Tea?").await.expect(201);
    let list = receipts(&ann, &sent).await.expect(200);
    assert_eq!(states(&list), [("ben", false, false)]);
    assert_eq!(list[0]["delivered_at"], json!(null));
    has(&ben, &sent).await;
    has_read(&ben, &sent).await;
    let list = receipts(&ann, &sent).await.expect(200);
    let seen = super::again(&ann, &sent).await;
    for at in ["delivered_at", "read_at"] {
        assert_eq!(list[0][at], seen[at], "{at}");
    }
    assert_ne!(list[0]["delivered_at"], list[0]["read_at"]);
}

#[tokio::test]
async fn receipts_are_refused_to_other_users() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let stranger = app.register_user("cas").await;
    let sent = people[0].send(id, "Tea?").await.expect(201);
    receipts(&people[1], &sent)
        .await
        .expect_problem(403, "forbidden");
    receipts(&stranger, &sent)
        .await
        .expect_problem(404, "not_found");
    let unknown = json!({ "conversation_id": id, "id": 4_000_000_000_i64 });
    receipts(&people[0], &unknown)
        .await
        .expect_problem(404, "not_found");
    let aside = people[0].open_direct_used(&people[1]).await;
    let elsewhere = json!({ "conversation_id": aside, "id": sent["id"] });
    receipts(&people[0], &elsewhere)
        .await
        .expect_problem(404, "not_found");
    app.get(&path(&sent))
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn receipts_omit_leavers_and_late_joiners() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan"]).await;
    let made = make(&people[0], "Crew", &["ben", "cas"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let sent = people[0].send(id, "Tea?").await.expect(201);
    has_read(&people[1], &sent).await;
    has_read(&people[2], &sent).await;
    leave(&people[1], id).await.expect(200);
    invite(&people[0], id, "dan").await.expect(201);
    let list = receipts(&people[0], &sent).await.expect(200);
    assert_eq!(states(&list), [("cas", true, true)]);
    // A returning member isn't listed for messages from before the return.
    bring_back(&people[0], id, &people[1]).await;
    let list = receipts(&people[0], &sent).await.expect(200);
    assert_eq!(states(&list), [("cas", true, true)]);
    let next = people[0].send(id, "And now?").await.expect(201);
    let list = receipts(&people[0], &next).await.expect(200);
    let nobody = ["ben", "cas", "dan"].map(|name| (name, false, false));
    assert_eq!(states(&list), nobody);
}

#[tokio::test]
async fn receipts_over_100_members_omit_times() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    fill(&app, id, 120).await;
    let sent = people[0].send(id, "Hello, all of you!").await.expect(201);
    has_read(&people[1], &sent).await;
    let crowd = format!(
        "UPDATE participant SET delivered_seq = 2, read_seq = 2 WHERE conversation_id = {id} \
         AND user_id IN (SELECT id FROM \"user\" WHERE username LIKE 'crowd1%')"
    );
    run(&app, &[crowd]).await;
    let mut next = Some(format!("{}?limit=50", path(&sent)));
    let (mut pages, mut readers, mut all) = (0, 0, Vec::new());
    while let Some(path) = next {
        let page = people[0].get(&path).await;
        next = page.link("next");
        let page = page.expect(200);
        for one in page.as_array().unwrap() {
            assert_eq!(
                (&one["delivered_at"], &one["read_at"]),
                (&json!(null), &json!(null))
            );
            readers += usize::from(one["read"] == true);
            all.push(one["user"]["id"].as_i64().unwrap());
        }
        pages += 1;
    }
    assert_eq!(
        (pages, all.len()),
        (3, 122),
        "all members except the sender"
    );
    assert!(all.is_sorted(), "each once: {all:?}");
    // The readers are Ben, and the users 1, 10 to 19 and 100 to 120 of the
    // crowd.
    assert_eq!(readers, 1 + 1 + 10 + 21);
}
