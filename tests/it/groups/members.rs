//! Inviting, removing, renaming, and paging through members.

use serde_json::json;

use super::crew::{friends, group, invite, leave, make, remove, rename, roles, seqs};
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestUser};

async fn page(person: &TestUser, path: &str) -> (Vec<String>, Option<String>) {
    let answer = person.get(path).await;
    let next = answer.link("next");
    let members = answer.expect(200);
    let names = members.as_array().unwrap().iter();
    let names = names.map(|member| member["user"]["username"].as_str().unwrap().to_owned());
    (names.collect(), next)
}

#[tokio::test]
async fn invited_user_sees_messages_from_then() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    people[0].send(id, "Before.").await.expect(201);
    let member = invite(&people[0], id, "CAS").await.expect(201);
    assert_wire!("member_invited", member);
    let seen = people[2].conversation(id).await;
    assert_eq!(seen["participant_count"], 3);
    assert_eq!(seen["unread_count"], 0, "earlier messages aren't counted");
    assert_eq!(seqs(&people[2], id).await, [3]);
    people[0].send(id, "After.").await.expect(201);
    assert_eq!(people[2].conversation(id).await["unread_count"], 1);
    assert_eq!(seqs(&people[2], id).await, [3, 4]);
    people[2].send(id, "Hello!").await.expect(201);
}

#[tokio::test]
async fn inviter_must_be_connected_with_user() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let cas = app.register_user("cas").await;
    let before = people[0].conversation(id).await;
    invite(&people[0], id, "cas")
        .await
        .expect_problem(403, "not_connected");
    people[0].request_connection(&cas).await.expect(201);
    invite(&people[0], id, "cas")
        .await
        .expect_problem(403, "not_connected");
    assert_eq!(people[0].conversation(id).await, before);
}

#[tokio::test]
async fn invitation_of_member_or_unknown_fails() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    invite(&people[0], id, "ben")
        .await
        .expect_problem(409, "conflict");
    invite(&people[0], id, "ann")
        .await
        .expect_problem(409, "conflict");
    for nobody in ["nobody", "not a name"] {
        let refused = invite(&people[0], id, nobody)
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "username");
    }
}

/// Guards the race of two invitations of one user: the second is checked again
/// and finds them a member.
#[tokio::test]
async fn concurrent_invitations_add_user_once() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    for at in 0..10 {
        let name = format!("new{at}");
        let new = app.register_user(&name).await;
        people[0].connect_with(&new).await;
        let (one, two) = tokio::join!(invite(&people[0], id, &name), invite(&people[0], id, &name));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
    let seen = people[0].conversation(id).await;
    assert_eq!(seen["participant_count"], 12);
    assert_eq!(seen["participants"].as_array().unwrap().len(), 12);
    assert_eq!(seen["last_seq"], 11);
}

#[tokio::test]
async fn new_title_is_visible_to_members() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let renamed = rename(&people[0], id, " New ").await.expect(200);
    assert_eq!(renamed["title"], "New");
    assert_eq!(people[1].conversation(id).await["title"], "New");
    for bad in ["", " ", "two\nlines", &"a".repeat(101)] {
        let refused = rename(&people[0], id, bad)
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "title");
    }
}

#[tokio::test]
async fn removing_non_member_returns_not_found() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    app.register_user("cas").await;
    for name in ["cas", "nobody", "no%20name"] {
        remove(&people[0], id, name)
            .await
            .expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn self_removal_is_stored_as_leaving() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let answer = remove(&people[1], id, "ben").await;
    assert_eq!(answer.status, 204);
    let last = people[0].conversation(id).await["last_message"].take();
    assert_eq!(last["event"], json!({ "type": "left" }));
    assert_eq!(roles(&people[0], id).await.len(), 1);
}

#[tokio::test]
async fn members_are_paged_by_links() {
    let app = TestApp::spawn().await;
    let names: Vec<String> = (0..7).map(|at| format!("member{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (id, people) = group(&app, &names).await;
    let mut path = format!("/api/conversations/{id}/members/?limit=3");
    let (mut all, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let (names, next) = page(&people[3], &path).await;
        sizes.push(names.len());
        all.extend(names);
        match next {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    all.sort_unstable();
    assert_eq!(all, names);
    let (_, next) = page(
        &people[3],
        &format!("/api/conversations/{id}/members/?limit=7"),
    )
    .await;
    assert_eq!(next, None, "a full last page has no next");
}

#[tokio::test]
async fn member_list_requires_membership() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let cas = app.register_user("cas").await;
    let path = format!("/api/conversations/{id}/members/");
    let mut members = people[1].get(&path).await.expect(200);
    members
        .as_array_mut()
        .unwrap()
        .sort_by_key(|member| member["user"]["username"].to_string());
    assert_wire!("members", members);
    cas.get(&path).await.expect_problem(404, "not_found");
    leave(&people[1], id).await.expect(200);
    people[1]
        .get(&path)
        .await
        .expect_problem(403, "not_a_participant");
}

#[tokio::test]
async fn direct_conversation_refuses_group_actions() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let id = people[0].open_direct(&people[1]).await;
    rename(&people[0], id, "Us")
        .await
        .expect_problem(409, "conflict");
    invite(&people[0], id, "cas")
        .await
        .expect_problem(409, "conflict");
    remove(&people[0], id, "ben")
        .await
        .expect_problem(409, "conflict");
    leave(&people[0], id).await.expect_problem(409, "conflict");
    super::crew::set_role(&people[0], id, "ben", "admin")
        .await
        .expect_problem(409, "conflict");
    assert_eq!(people[0].conversation(id).await["version"], 0);
}

#[tokio::test]
async fn stranger_gets_not_found_everywhere() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "eve"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let direct = people[0].open_direct(&people[1]).await;
    let eve = &people[3];
    for id in [made["id"].as_i64().unwrap(), direct, 999] {
        rename(eve, id, "Mine")
            .await
            .expect_problem(404, "not_found");
        invite(eve, id, "ann")
            .await
            .expect_problem(404, "not_found");
        remove(eve, id, "ann")
            .await
            .expect_problem(404, "not_found");
        remove(eve, id, "eve")
            .await
            .expect_problem(404, "not_found");
        leave(eve, id).await.expect_problem(404, "not_found");
        super::crew::set_role(eve, id, "ann", "member")
            .await
            .expect_problem(404, "not_found");
        super::crew::set_mine(eve, id, json!({ "pinned": true }))
            .await
            .expect_problem(404, "not_found");
        eve.send(id, "Hello?")
            .await
            .expect_problem(404, "not_found");
        for path in ["", "messages/", "members/"] {
            let path = format!("/api/conversations/{id}/{path}");
            eve.get(&path).await.expect_problem(404, "not_found");
        }
        let mut socket = eve.socket("/ws/").await;
        socket
            .send(json!({ "type": "message", "conversation_id": id, "message": "Hello?" }))
            .await;
        socket.expect_error("not_found").await;
    }
}
