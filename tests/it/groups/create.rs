//! Creating a group.

use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::json;

use super::crew::{as_roles, friends, make, roles};
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn creator_owns_group() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let made = make(&people[0], "  Crew ", &["ben", "cas"])
        .await
        .expect(201);
    let id = made["id"].as_i64().unwrap();
    assert_wire!("group_made", made);
    let all = [("ann", "owner"), ("ben", "member"), ("cas", "member")];
    let mut found = roles(&people[1], id).await;
    found.sort();
    assert_eq!(found, as_roles(&all));
    for person in &people {
        assert_eq!(person.conversation(id).await["unread_count"], 0);
    }
}

#[tokio::test]
async fn title_length_is_limited() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let long = "ü".repeat(100);
    let made = make(&people[0], &long, &["ben"]).await.expect(201);
    assert_eq!(made["title"], long);
    for bad in ["", "   ", "two\nlines", &"ü".repeat(101)] {
        let refused = make(&people[0], bad, &["ben"])
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "title", "{bad:?}");
    }
}

#[tokio::test]
async fn group_requires_two_members() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    for nobody in [&[][..], &["ann"], &["ANN", "ann"]] {
        let refused = make(&people[0], "Alone", nobody)
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "usernames");
    }
}

#[tokio::test]
async fn unknown_username_is_reported_by_index() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    for bad in ["nobody", "not a name", ""] {
        let refused = make(&people[0], "Crew", &["ben", bad, "no.one"])
            .await
            .expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "usernames[1]", "{bad:?}");
    }
}

#[tokio::test]
async fn creator_must_be_connected_with_members() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    app.register_user("cas").await;
    make(&people[0], "Crew", &["ben", "cas"])
        .await
        .expect_problem(403, "not_connected");
    let list = people[1].get("/api/conversations/").await.expect(200);
    assert_eq!(list, json!([]), "no group was created");
}

#[tokio::test]
async fn own_and_duplicate_usernames_are_ignored() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let names = ["ben", "ann", "BEN", "Ann", "ben"];
    let made = make(&people[0], "Crew", &names).await.expect(201);
    assert_eq!(made["participant_count"], 2);
    let id = made["id"].as_i64().unwrap();
    let all = as_roles(&[("ann", "owner"), ("ben", "member")]);
    let mut found = roles(&people[0], id).await;
    found.sort();
    assert_eq!(found, all);
}

#[tokio::test]
async fn list_of_1001_usernames_is_refused() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let names = vec!["ben"; 1001];
    let refused = make(&people[0], "Crowd", &names)
        .await
        .expect_problem(422, "invalid");
    assert_eq!(refused["errors"][0]["field"], "usernames");
}

#[tokio::test]
async fn ambiguous_conversation_body_is_refused() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    for body in [
        json!({ "username": "ben", "title": "Crew", "usernames": ["ben"] }),
        json!({ "title": "Crew" }),
        json!({ "usernames": ["ben"] }),
        json!({}),
    ] {
        let answer = people[0].post("/api/conversations/create/", body).await;
        answer.expect_problem(422, "invalid");
    }
}

#[tokio::test]
async fn new_group_reaches_unbound_sockets() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let mut sockets = Vec::new();
    for person in &people {
        sockets.push(person.socket("/ws/").await);
        sockets.push(person.socket("/ws/notifications/").await);
    }
    let made = make(&people[0], "Crew", &["ben", "cas"]).await.expect(201);
    for (at, socket) in sockets.iter_mut().enumerate() {
        let shown = socket.expect("conversation").await;
        assert_eq!(shown["conversation"]["id"], made["id"]);
        assert_eq!(shown["conversation"]["version"], 1);
        if at == 2 {
            assert_wire!("group_shown", shown["conversation"].clone());
        }
        socket.expect_nothing_until_pong().await;
    }
}

/// Guards the response to a new group: an error because of a failed fan-out
/// would make the client create a second group.
#[tokio::test]
async fn failed_fan_out_still_creates_group() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let database = app.database().connection().await;
    if database.get_database_backend() != DbBackend::Sqlite {
        // PostgreSQL refuses the unreadable value that this test stores.
        return database.close().await.unwrap();
    }
    let _there = people[1].socket("/ws/").await;
    let spoil = format!(
        "CREATE TRIGGER spoil AFTER INSERT ON participant WHEN NEW.user_id = {} BEGIN \
         UPDATE participant SET muted_until = 'no time' WHERE rowid = NEW.rowid; END",
        people[1].id
    );
    database.execute_unprepared(&spoil).await.unwrap();
    make(&people[0], "Crew", &["ben"]).await.expect(201);
    database
        .execute_unprepared("DROP TRIGGER spoil")
        .await
        .unwrap();
    database.close().await.unwrap();
}
