//! Inviting, removing, renaming, and paging through who is there.

use serde_json::json;

use super::crew::{friends, group, invite, leave, make, remove, rename, roles, seqs};
use crate::support::redact::assert_wire;
use crate::support::{Person, TestApp};

async fn page(person: &Person, path: &str) -> (Vec<String>, Option<String>) {
    let answer = person.get(path).await;
    let next = answer.link("next");
    let members = answer.expect(200);
    let names = members.as_array().unwrap().iter();
    let names = names.map(|member| member["user"]["username"].as_str().unwrap().to_owned());
    (names.collect(), next)
}

#[tokio::test]
async fn who_is_invited_is_a_member_from_then_on() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    people[0].send(id, "Before.").await.expect(201);
    let member = invite(&people[0], id, "CAS").await.expect(201);
    assert_wire!("member_invited", member);
    let seen = people[2].conversation(id).await;
    assert_eq!(seen["participant_count"], 3);
    assert_eq!(
        seen["unread_count"], 0,
        "what came before is none of theirs"
    );
    assert_eq!(seqs(&people[2], id).await, [3]);
    people[0].send(id, "After.").await.expect(201);
    assert_eq!(people[2].conversation(id).await["unread_count"], 1);
    assert_eq!(seqs(&people[2], id).await, [3, 4]);
    people[2].send(id, "Hello!").await.expect(201);
}

#[tokio::test]
async fn who_invites_is_connected_with_whom_they_invite() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let cas = app.person("cas").await;
    let before = people[0].conversation(id).await;
    invite(&people[0], id, "cas")
        .await
        .refused(403, "not_connected");
    people[0].ask_to_connect(&cas).await.expect(201);
    invite(&people[0], id, "cas")
        .await
        .refused(403, "not_connected");
    assert_eq!(people[0].conversation(id).await, before);
}

#[tokio::test]
async fn nobody_is_invited_twice_and_nobody_who_is_not_there() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    invite(&people[0], id, "ben").await.refused(409, "conflict");
    invite(&people[0], id, "ann").await.refused(409, "conflict");
    for nobody in ["nobody", "not a name"] {
        let refused = invite(&people[0], id, nobody).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "username");
    }
}

/// Guards the race of two admins who invite the same person: the second is
/// judged again, and finds them there.
#[tokio::test]
async fn two_who_invite_one_at_once_bring_them_in_once() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    for at in 0..10 {
        let name = format!("new{at}");
        let new = app.person(&name).await;
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
async fn a_new_title_is_answered_and_seen_by_all() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let renamed = rename(&people[0], id, " New ").await.expect(200);
    assert_eq!(renamed["title"], "New");
    assert_eq!(people[1].conversation(id).await["title"], "New");
    for bad in ["", " ", "two\nlines", &"a".repeat(101)] {
        let refused = rename(&people[0], id, bad).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "title");
    }
}

#[tokio::test]
async fn whom_nobody_knows_in_a_group_is_not_found_there() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    app.person("cas").await;
    for name in ["cas", "nobody", "no%20name"] {
        remove(&people[0], id, name).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn removing_oneself_is_leaving() {
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
async fn members_are_for_those_who_are_in() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let cas = app.person("cas").await;
    let path = format!("/api/conversations/{id}/members/");
    let mut members = people[1].get(&path).await.expect(200);
    members
        .as_array_mut()
        .unwrap()
        .sort_by_key(|member| member["user"]["username"].to_string());
    assert_wire!("members", members);
    cas.get(&path).await.refused(404, "not_found");
    leave(&people[1], id).await.expect(200);
    people[1].get(&path).await.refused(403, "not_a_participant");
}

#[tokio::test]
async fn a_conversation_of_two_is_no_group() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let id = people[0].direct_with(&people[1]).await;
    rename(&people[0], id, "Us").await.refused(409, "conflict");
    invite(&people[0], id, "cas").await.refused(409, "conflict");
    remove(&people[0], id, "ben").await.refused(409, "conflict");
    leave(&people[0], id).await.refused(409, "conflict");
    super::crew::set_role(&people[0], id, "ben", "admin")
        .await
        .refused(409, "conflict");
    assert_eq!(people[0].conversation(id).await["version"], 0);
}

#[tokio::test]
async fn who_was_never_in_it_finds_nothing_anywhere() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "eve"]).await;
    let made = make(&people[0], "Crew", &["ben"]).await.expect(201);
    let direct = people[0].direct_with(&people[1]).await;
    let eve = &people[3];
    for id in [made["id"].as_i64().unwrap(), direct, 999] {
        rename(eve, id, "Mine").await.refused(404, "not_found");
        invite(eve, id, "ann").await.refused(404, "not_found");
        remove(eve, id, "ann").await.refused(404, "not_found");
        remove(eve, id, "eve").await.refused(404, "not_found");
        leave(eve, id).await.refused(404, "not_found");
        super::crew::set_role(eve, id, "ann", "member")
            .await
            .refused(404, "not_found");
        super::crew::set_mine(eve, id, json!({ "pinned": true }))
            .await
            .refused(404, "not_found");
        eve.send(id, "Hello?").await.refused(404, "not_found");
        for path in ["", "messages/", "members/"] {
            let path = format!("/api/conversations/{id}/{path}");
            eve.get(&path).await.refused(404, "not_found");
        }
        let mut socket = eve.socket("/ws/").await;
        socket
            .send(json!({ "type": "message", "conversation_id": id, "message": "Hello?" }))
            .await;
        socket.expect_error("not_found").await;
    }
}
