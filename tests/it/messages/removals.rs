//! Senders can remove their own messages and reactions after the end of the
//! connection, the other account, the membership or the group.

use entity::{Millis, UserId};
use serde_json::{Value, json};
use tidings::store::AuditContext;

use super::{edit, path, react};
use crate::admin::Keeper;
use crate::groups::crew::{group, invite, leave, remove};
use crate::people::block;
use crate::support::{TestApp, TestSocket, TestUser};

/// Removes a reaction.
async fn unreact(person: &TestUser, path: &str, emoji: &str) {
    let path = format!("{path}reactions/{emoji}/");
    person.delete(&path).await.expect(204);
}

fn delete_frame(conversation: i64, message: &Value) -> Value {
    json!({ "type": "delete", "conversation_id": conversation, "message_id": message["id"] })
}

fn reaction_frame(conversation: i64, message: &Value, is_on: bool) -> Value {
    json!({
        "type": "reaction", "conversation_id": conversation, "message_id": message["id"],
        "emoji": "👍", "on": is_on,
    })
}

/// Returns the next changed message; skips other frames.
async fn updated(socket: &mut TestSocket) -> Value {
    loop {
        let mut frame = socket.next().await;
        if frame["type"] == "message_updated" {
            return frame["message"].take();
        }
    }
}

/// Removes all messages and reactions of `ann` in a closed direct conversation,
/// by REST and by frame, and checks that `watcher` receives both changes.
async fn removes_all(ann: &TestUser, (id, sent): (i64, [Value; 2]), watcher: &mut TestSocket) {
    let first = path(id, &sent[0]);
    for _ in 0..2 {
        let refused = edit(ann, &first, "Other").await;
        refused.expect_problem(403, "not_connected");
    }
    react(ann, &first, "🎉")
        .await
        .expect_problem(403, "not_connected");
    unreact(ann, &first, "👍").await;
    assert_eq!(updated(watcher).await["reactions"], json!([]));
    ann.delete(&first).await.expect(204);
    let told = updated(watcher).await;
    assert_eq!(
        (&told["deleted"], &told["text"]),
        (&json!(true), &json!(""))
    );
    let mut socket = ann.socket("/ws/").await;
    socket.send(delete_frame(id, &sent[1])).await;
    assert_eq!(updated(&mut socket).await["id"], sent[1]["id"]);
    assert_eq!(updated(watcher).await["deleted"], true);
    let history = ann.history(id).await;
    assert!(history.iter().all(|message| message["deleted"] == true));
}

/// Creates a direct conversation with two messages of `ann`, the first with a
/// reaction.
async fn spoken(ann: &TestUser, ben: &TestUser) -> (i64, [Value; 2]) {
    let id = ann.open_direct(ben).await;
    let first = ann.send(id, "One.").await.expect(201);
    let second = ann.send(id, "Two.").await.expect(201);
    react(ann, &path(id, &first), "👍").await.expect(200);
    (id, [first, second])
}

#[tokio::test]
async fn sender_removes_after_connection_ended() {
    let app = TestApp::spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let connection = ann.connect_with(&ben).await;
    let spoken = spoken(&ann, &ben).await;
    ben.delete(&format!("/api/connections/{connection}/"))
        .await
        .expect(204);
    let mut watcher = ben.socket("/ws/").await;
    removes_all(&ann, spoken, &mut watcher).await;
}

#[tokio::test]
async fn sender_removes_after_block() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let spoken = spoken(&ann, &ben).await;
    block(&ben, &ann).await;
    let mut watcher = ben.socket("/ws/").await;
    removes_all(&ann, spoken, &mut watcher).await;
}

#[tokio::test]
async fn sender_removes_after_other_account_deleted() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let spoken = spoken(&ann, &ben).await;
    let store = app.store().await;
    let act = AuditContext::from_command_line(Millis::now());
    store
        .accounts()
        .delete(UserId(ben.id), "ben".to_owned(), &act)
        .await
        .unwrap();
    store.close().await;
    let mut watcher = ann.socket("/ws/").await;
    removes_all(&ann, spoken, &mut watcher).await;
}

/// Checks that a former member's changes reach the members and all sockets of
/// the former member.
async fn removes_as_former(person: &TestUser, id: i64, sent: &[Value], watcher: &mut TestSocket) {
    let mut own = person.socket("/ws/").await;
    let mut second = person.socket("/ws/").await;
    let first = path(id, &sent[0]);
    let code = "not_a_participant";
    edit(person, &first, "Other")
        .await
        .expect_problem(403, code);
    react(person, &first, "🎉").await.expect_problem(403, code);
    own.send(reaction_frame(id, &sent[0], true)).await;
    own.expect_error(code).await;
    own.send(reaction_frame(id, &sent[0], false)).await;
    for socket in [&mut own, &mut second, watcher] {
        assert_eq!(updated(socket).await["reactions"], json!([]));
    }
    person.delete(&first).await.expect(204);
    for socket in [&mut own, &mut second, watcher] {
        let told = updated(socket).await;
        assert_eq!(
            (&told["deleted"], &told["text"]),
            (&json!(true), &json!(""))
        );
    }
    // A repeated removal changes nothing; only the requesting socket is
    // answered.
    own.send(delete_frame(id, &sent[0])).await;
    assert_eq!(updated(&mut own).await["deleted"], true);
    second.expect_nothing_until_pong().await;
    own.send(delete_frame(id, &sent[1])).await;
    assert_eq!(updated(watcher).await["id"], sent[1]["id"]);
}

async fn two_in_group(person: &TestUser, id: i64) -> Vec<Value> {
    let mut sent = Vec::new();
    for text in ["One.", "Two."] {
        sent.push(person.send(id, text).await.expect(201));
    }
    react(person, &path(id, &sent[0]), "👍").await.expect(200);
    sent
}

#[tokio::test]
async fn sender_removes_after_leaving() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = two_in_group(&people[1], id).await;
    assert_eq!(people[0].conversation(id).await["unread_count"], 2);
    leave(&people[1], id).await.expect(200);
    let mut watcher = people[0].socket("/ws/").await;
    removes_as_former(&people[1], id, &sent, &mut watcher).await;
    assert_eq!(people[0].conversation(id).await["unread_count"], 0);
    let hello = people[2].socket("/ws/").await.hello;
    assert_eq!(hello["total_unread"], 0);
}

#[tokio::test]
async fn sender_removes_after_own_removal() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let sent = two_in_group(&people[1], id).await;
    remove(&people[0], id, "ben").await.expect(204);
    let mut watcher = people[2].socket("/ws/").await;
    removes_as_former(&people[1], id, &sent, &mut watcher).await;
}

#[tokio::test]
async fn sender_removes_after_group_closed() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let sent = two_in_group(&people[1], id).await;
    let close = format!("/admin/conversations/{id}/close");
    keeper.act(&close, &[("reason", "Quiet")]).await.expect(303);
    people[1].delete(&path(id, &sent[0])).await.expect(204);
    let history = people[0].history(id).await;
    let first = history.iter().find(|it| it["id"] == sent[0]["id"]);
    assert_eq!(first.unwrap()["text"], "");
}

/// After joining again, the sender doesn't see the old messages but can still
/// remove them.
#[tokio::test]
async fn sender_removes_after_joining_again() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let sent = two_in_group(&people[1], id).await;
    let other = people[0].send(id, "Three.").await.expect(201);
    remove(&people[0], id, "ben").await.expect(204);
    invite(&people[0], id, "ben").await.expect(201);
    let first = path(id, &sent[0]);
    edit(&people[1], &first, "Other")
        .await
        .expect_problem(404, "not_found");
    let mut watcher = people[0].socket("/ws/").await;
    unreact(&people[1], &first, "👍").await;
    assert_eq!(updated(&mut watcher).await["reactions"], json!([]));
    people[1].delete(&first).await.expect(204);
    assert_eq!(updated(&mut watcher).await["deleted"], true);
    let hidden = path(id, &other);
    people[1]
        .delete(&hidden)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn former_member_removes_nothing_else() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let seen = people[0].send(id, "Seen.").await.expect(201);
    leave(&people[1], id).await.expect(200);
    let later = people[0].send(id, "Later.").await.expect(201);
    let former = &people[1];
    former
        .delete(&path(id, &seen))
        .await
        .expect_problem(403, "forbidden");
    let later = path(id, &later);
    former.delete(&later).await.expect_problem(404, "not_found");
    let stranger = app.register_user("dan").await;
    for (message, emoji) in [(&seen, "👍"), (&json!({ "id": 999 }), "👍")] {
        let path = path(id, message);
        stranger
            .delete(&path)
            .await
            .expect_problem(404, "not_found");
        let reaction = format!("{path}reactions/{emoji}/");
        stranger
            .delete(&reaction)
            .await
            .expect_problem(404, "not_found");
        let reaction = format!("{later}reactions/{emoji}/");
        former
            .delete(&reaction)
            .await
            .expect_problem(404, "not_found");
    }
}
