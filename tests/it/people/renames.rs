//! Name changes reach users with a shared conversation or a connection, live
//! and by `resume`.

use entity::{Millis, UserId};
use serde_json::{Value, json};
use tidings::protocol::{DisplayName, Username};
use tidings::store::AuditContext;

use super::patch;
use crate::groups::crew::{friends, group, invite, leave, make};
use crate::groups::largest_group::run;
use crate::receipts::cost::copies;
use crate::store::statements::watched;
use crate::support::redact::assert_wire;
use crate::support::{TestApp, TestSocket, TestUser};

async fn rename(person: &TestUser, name: &str) {
    let body = json!({ "display_name": name });
    patch(person, "/api/me/", body).await.expect(200);
}

/// Returns the next `user` frame.
async fn next_user(socket: &mut TestSocket) -> (i64, String, String) {
    let frame = socket.expect("user").await;
    named(&frame)
}

fn named(frame: &Value) -> (i64, String, String) {
    let user = &frame["user"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let id = user["id"].as_i64().unwrap();
    (id, text(&user["username"]), text(&user["display_name"]))
}

fn as_named(person: &TestUser, username: &str, display_name: &str) -> (i64, String, String) {
    (person.id, username.to_owned(), display_name.to_owned())
}

/// Returns all `user` frames of a resume, and its `synced`.
async fn resumed(person: &TestUser, ask: Value) -> (Vec<Value>, Value) {
    let mut socket = person.socket("/ws/").await;
    let mut ask = ask;
    ask["type"] = json!("resume");
    socket.send(ask).await;
    let mut users = Vec::new();
    loop {
        let frame = socket.next().await;
        match frame["type"].as_str().unwrap() {
            "user" => users.push(frame),
            "synced" => return (users, frame),
            _ => {}
        }
    }
}

#[tokio::test]
async fn rename_reaches_permitted_users() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan", "eve"]).await;
    let [ann, ben, cas, dan, eve] = &people[..] else {
        panic!("five people");
    };
    // Cas shares a group with Ben, Dan a group that Ben left; Eve sent Ben a
    // request.
    let made = make(ann, "Group", &["ben", "cas"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    let left = make(ann, "Left", &["ben", "dan"]).await.expect(201);
    leave(ben, left["id"].as_i64().unwrap()).await.expect(200);
    eve.request_connection(ben).await.expect(201);
    let mut sockets = Vec::new();
    for person in [ann, ben, cas, dan, eve] {
        sockets.push(person.socket("/ws/").await);
    }
    sockets.push(cas.socket("/ws/notifications/").await);
    sockets.push(cas.chat_socket(id).await);
    rename(ben, "Benjamin").await;
    for socket in &mut sockets {
        assert_eq!(next_user(socket).await, as_named(ben, "ben", "Benjamin"));
        socket.expect_nothing_until_pong().await;
    }
    // An unchanged name sends no frame.
    rename(ben, "Benjamin").await;
    rename(ben, "Ben").await;
    let frame = sockets[0].expect("user").await;
    assert_eq!(named(&frame), as_named(ben, "ben", "Ben"));
    rename(ben, "Benjamin").await;
    assert_wire!("user", sockets[0].expect("user").await);
}

#[tokio::test]
async fn rename_is_hidden_from_strangers() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas", "dan"]).await;
    let [ann, ben, cas, dan] = &people[..] else {
        panic!("four people");
    };
    // Cas left before Ben joined; Dan is connected only with Ann.
    let made = make(ann, "Group", &["cas"]).await.expect(201);
    let id = made["id"].as_i64().unwrap();
    leave(cas, id).await.expect(200);
    invite(ann, id, "ben").await.expect(201);
    let other = make(ann, "Other", &["cas", "dan"]).await.expect(201);
    let mut strangers = vec![
        cas.socket("/ws/").await,
        dan.socket("/ws/").await,
        // Bound to a conversation without Ben.
        ann.chat_socket(other["id"].as_i64().unwrap()).await,
    ];
    let mut hears = ann.socket("/ws/").await;
    let before = hears.hello["people_version"].clone();
    rename(ben, "Benjamin").await;
    assert_eq!(
        next_user(&mut hears).await,
        as_named(ben, "ben", "Benjamin")
    );
    for socket in &mut strangers {
        socket.expect_nothing_until_pong().await;
    }
    let ask = json!({ "cursors": {}, "people": before });
    for (person, count) in [(cas, 0), (dan, 0), (ann, 1), (ben, 1)] {
        let (users, _) = resumed(person, ask.clone()).await;
        assert_eq!(users.len(), count, "{}", person.username);
    }
}

#[tokio::test]
async fn admin_rename_and_deletion_are_sent() {
    let app = TestApp::spawn().await;
    let (_, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let mut socket = ann.socket("/ws/").await;
    let store = app.store().await;
    let act = AuditContext::from_command_line(Millis::now());
    let username = Username::parse("benjamin").unwrap();
    let display_name = DisplayName::parse("Benjamin").unwrap();
    store
        .accounts()
        .rename(UserId(ben.id), username, display_name, &act)
        .await
        .unwrap();
    assert_eq!(
        next_user(&mut socket).await,
        as_named(ben, "benjamin", "Benjamin")
    );
    let gone = store
        .accounts()
        .delete(UserId(ben.id), "deleted-1".to_owned(), &act);
    gone.await.unwrap();
    let told = next_user(&mut socket).await;
    assert_eq!(told, as_named(ben, "deleted-1", "Deleted user"));
    store.close().await;
}

/// Rooms also apply the rename: the next message carries the new name.
#[tokio::test]
async fn rename_by_another_process_is_sent() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    ben.send(id, "As before.").await.expect(201);
    let mut socket = ann.socket("/ws/").await;
    let store = app.store().await;
    let act = AuditContext::from_command_line(Millis::now());
    let username = Username::parse("bennie").unwrap();
    let display_name = DisplayName::parse("Bennie").unwrap();
    store
        .accounts()
        .rename(UserId(ben.id), username, display_name, &act)
        .await
        .unwrap();
    store.close().await;
    assert_eq!(
        next_user(&mut socket).await,
        as_named(ben, "bennie", "Bennie")
    );
    ben.send(id, "Now.").await.expect(201);
    let sender = socket.expect_message().await["sender"].take();
    assert_eq!(sender["username"], "bennie");
    assert_eq!(sender["display_name"], "Bennie");
}

#[tokio::test]
async fn missed_names_are_replayed() {
    let mut app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben", "cas"]).await;
    let [ann, ben, cas] = &people[..] else {
        panic!("three people");
    };
    let mut socket = ann.socket("/ws/").await;
    let before = socket.hello["people_version"].clone();
    assert_eq!(before, 0);
    rename(cas, "Cassandra").await;
    rename(ben, "Benny").await;
    rename(ben, "Benjamin").await;
    // Once the last change has arrived, all have been sent.
    while next_user(&mut socket).await != as_named(ben, "ben", "Benjamin") {}
    app.restart().await;
    let ask = json!({ "cursors": {}, "people": before });
    let (users, synced) = resumed(ann, ask).await;
    let users: Vec<_> = users.iter().map(named).collect();
    let expected = [
        as_named(cas, "cas", "Cassandra"),
        as_named(ben, "ben", "Benjamin"),
    ];
    assert_eq!(users, expected, "each user once, with the latest name");
    assert_eq!(synced["people_reset"], false);
    let version = synced["people_version"].clone();
    assert_eq!(version, ann.socket("/ws/").await.hello["people_version"]);
    assert!(version.as_i64() >= Some(3));
    let (users, synced) = resumed(ann, json!({ "cursors": {}, "people": version })).await;
    assert_eq!((users.len(), &synced["people_reset"]), (0, &json!(false)));
    // A client that keeps no names sends no `people`.
    let (users, synced) = resumed(ann, json!({ "cursors": {} })).await;
    assert_eq!((users.len(), &synced["people_reset"]), (0, &json!(false)));
    let mut socket = ann.socket("/ws/").await;
    let ask = json!({ "type": "resume", "cursors": {}, "people": -1 });
    socket.send(ask).await;
    let refused = socket.expect("error").await;
    assert_eq!(refused["errors"][0]["field"], "people");
}

#[tokio::test]
async fn too_many_missed_names_are_reset() {
    let mut app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    rename(ben, "Benjamin").await;
    app.stop().await;
    let strangers = |count: i64| {
        [
            format!(
                "INSERT INTO \"user\" (username, username_key, display_name, about, \
                 password_hash, is_admin, created_at, people_version) WITH RECURSIVE g(n) AS \
                 (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count}) SELECT 'crowd' || n, \
                 'crowd' || n, 'One of many', '', 'none', FALSE, 0, n + 1 FROM g"
            ),
            format!(
                "UPDATE id_block SET next = {} WHERE name = 'people'",
                count + 2
            ),
        ]
    };
    run(&app, &strangers(499)).await;
    app.start().await;
    let ask = json!({ "cursors": {}, "people": 0 });
    let (users, synced) = resumed(ann, ask.clone()).await;
    assert_eq!((users.len(), &synced["people_reset"]), (1, &json!(false)));
    rename(ben, "Ben").await;
    rename(ann, "Anna").await;
    app.restart().await;
    let (users, synced) = resumed(ann, ask).await;
    assert_eq!((users.len(), &synced["people_reset"]), (0, &json!(true)));
    assert_eq!(synced["people_version"], 502);
}

#[tokio::test]
async fn other_epoch_resets_names() {
    let app = TestApp::spawn().await;
    let people = friends(&app, &["ann", "ben"]).await;
    let mut socket = people[0].socket("/ws/").await;
    rename(&people[1], "Benjamin").await;
    next_user(&mut socket).await;
    for ask in [
        json!({ "cursors": {}, "people": 0, "epoch": "of before" }),
        json!({ "cursors": {}, "people": 99 }),
    ] {
        let (users, synced) = resumed(&people[0], ask).await;
        assert_eq!((users.len(), &synced["people_reset"]), (0, &json!(true)));
    }
}

/// Counts statements and rows of a rename with this many conversations.
async fn cost(conversations: usize) -> (usize, u64) {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    if conversations > 1 {
        run(&app, &copies(id, conversations - 1)).await;
    }
    let store = app.store().await;
    let act = AuditContext::from_command_line(Millis::now());
    let username = Username::parse("benjamin").unwrap();
    let display_name = DisplayName::parse("Benjamin").unwrap();
    let renaming = store
        .accounts()
        .rename(UserId(people[1].id), username, display_name, &act);
    let (done, log) = watched(renaming).await;
    done.unwrap();
    store.close().await;
    (log.statements().len(), log.cost().rows)
}

#[tokio::test]
async fn rename_writes_no_row_per_conversation() {
    assert_eq!(cost(250).await, cost(1).await);
}
