//! A clock that is set back, simulated by times in the database that lie in the
//! future.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::groups::crew::{group, invite, patch, remove};
use crate::receipts::{has, has_read};
use crate::support::TestApp;

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// Adds `ahead` ms to all stored times, as if the clock had been fast, and
/// restarts the server.
async fn set_back(app: &mut TestApp, ahead: i64) {
    app.stop().await;
    let database = app.database().connection().await;
    for statement in [
        "UPDATE message SET created_at = created_at + {}",
        "UPDATE conversation SET last_message_at = last_message_at + {}",
        "UPDATE receipt SET at = at + {}",
        "UPDATE participant SET joined_at = joined_at + {}",
        "UPDATE login SET created_at = created_at + {}, last_used_at = last_used_at + {}, \
         expires_at = expires_at + {}",
        "UPDATE user_status SET last_seen = last_seen + {}",
        "UPDATE node SET alive_at = alive_at + {}",
        "UPDATE connection SET created_at = created_at + {}",
    ] {
        let statement = statement.replace("{}", &ahead.to_string());
        database.execute_unprepared(&statement).await.unwrap();
    }
    database.close().await.unwrap();
    app.start().await;
}

#[tokio::test]
async fn clock_set_back_keeps_order() {
    let mut app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut there = ben.chat_socket(id).await;
    ann.send(id, "It is late.").await.expect(201);
    let seen = there.expect_message().await;
    there
        .send(json!({ "type": "read_receipt", "message_id": seen["id"] }))
        .await;
    there.expect_nothing_until_pong().await;
    let version = seen["version"].as_i64().unwrap();

    set_back(&mut app, HOUR).await;

    // Logins stay valid, and sessions continue.
    let mut there = ben.socket("/ws/").await;
    let before = ann.history(id).await;
    let sent = ann.send(id, "Is it earlier?").await.expect(201);
    assert_eq!(sent["seq"], 3);
    assert_eq!(
        sent["created_at"], before[1]["created_at"],
        "a later message has no earlier time"
    );
    let told = there.expect_message().await;
    assert_eq!(told["seq"], 3);
    assert!(told["version"].as_i64().unwrap() > version);
    assert_eq!(ben.conversation(id).await["unread_count"], 1);
    let history = ben.history(id).await;
    let order: Vec<_> = history.iter().map(|message| &message["seq"]).collect();
    assert_eq!(order, [1, 2, 3]);
    // The conversation is still first in the list, and markers still move.
    there
        .send(json!({ "type": "read_receipt", "conversation_id": id, "message_id": told["id"] }))
        .await;
    there.expect_nothing_until_pong().await;
    let list = ben.get("/api/conversations/").await.expect(200);
    assert_eq!(list[0]["id"], id);
    let logins = ben.get("/api/auth/sessions/").await;
    assert_eq!(logins.status, 200, "{}", logins.body);
}

/// Returns a time as text: texts of one format sort like their times.
fn time(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn times_never_precede_their_message() {
    for ahead in [10 * 1000, HOUR, 400 * DAY] {
        let mut app = TestApp::spawn().await;
        let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
        let (ann, ben, cas) = (&people[0], &people[1], &people[2]);
        let sent = ann.send(id, "It is late.").await.expect(201);
        set_back(&mut app, ahead).await;
        let mut socket = ann.socket("/ws/").await;
        let path = format!("/api/conversations/{id}/messages/{}/", sent["id"]);
        let body = json!({ "text": "It was late." });
        let edited = patch(ann, &path, body).await.expect(200);
        let created_at = time(&edited["created_at"]);
        assert!(time(&edited["edited_at"]) >= created_at, "{edited}");
        socket.expect("message_updated").await;
        for person in [ben, cas] {
            has(person, &sent).await;
            let told = socket.expect_side_frame("delivered").await;
            assert!(time(&told["at"]) >= created_at, "{told}");
        }
        for person in [ben, cas] {
            has_read(person, &sent).await;
            let told = socket.expect_side_frame("read_receipt").await;
            assert!(time(&told["at"]) >= created_at, "{told}");
        }
        let message = ann.history(id).await.pop().unwrap();
        assert_eq!(message["status"], "read");
        assert!(time(&message["delivered_at"]) >= created_at, "{message}");
        assert!(time(&message["read_at"]) >= time(&message["delivered_at"]));
        let receipts = ann.get(&format!("{path}receipts/")).await.expect(200);
        for receipt in receipts.as_array().unwrap() {
            assert!(time(&receipt["delivered_at"]) >= created_at, "{receipt}");
            assert!(time(&receipt["read_at"]) >= time(&receipt["delivered_at"]));
        }
        let joined = async || {
            let members = format!("/api/conversations/{id}/members/");
            let members = ann.get(&members).await.expect(200);
            time(&members[2]["joined_at"])
        };
        let before = joined().await;
        assert_eq!(remove(ann, id, "cas").await.status, 204);
        invite(ann, id, "cas").await.expect(201);
        assert!(joined().await >= before, "{before}");
    }
}

#[tokio::test]
async fn last_seen_never_goes_back() {
    let app = TestApp::builder().settings(|settings| {
        settings.timings.presence_grace = std::time::Duration::from_millis(1);
    });
    let mut app = app.spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let mut watcher = ann.socket("/ws/").await;
    let here = ben.socket("/ws/").await;
    watcher.expect_status().await;
    drop(here);
    let seen = watcher.expect_status().await;
    assert_eq!(seen["is_online"], false);
    drop(watcher);
    set_back(&mut app, HOUR).await;
    let profile = ann.get("/messages/status/ben/").await.expect(200);
    let before = time(&profile["last_seen"]);
    assert!(before > time(&seen["last_seen"]));
    let mut watcher = ann.socket("/ws/").await;
    let here = ben.socket("/ws/").await;
    watcher.expect_status().await;
    drop(here);
    let told = watcher.expect_status().await;
    assert_eq!(told["last_seen"], before);
    let profile = ann.get("/messages/status/ben/").await.expect(200);
    assert_eq!(profile["last_seen"], before);
}

#[tokio::test]
async fn far_future_time_is_not_kept() {
    let mut app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let ann = &people[0];
    let direct = ann.open_direct_used(&people[1]).await;
    ann.send(id, "It is another year.").await.expect(201);
    let before = ann.history(id).await.pop().unwrap();
    set_back(&mut app, 400 * DAY).await;
    let sent = ann.send(id, "It is today.").await.expect(201);
    // The new message has the current time, not the wrong future one.
    let (now, then) = (time(&sent["created_at"]), time(&before["created_at"]));
    let now: jiff::Timestamp = now.parse().unwrap();
    let then: jiff::Timestamp = then.parse().unwrap();
    assert!(
        (now.as_second() - then.as_second()).abs() < 60,
        "{now} after {then}"
    );
    let next = ann.send(id, "It is still today.").await.expect(201);
    assert!(time(&next["created_at"]) >= time(&sent["created_at"]));
    // The direct conversation keeps its future time until its next message.
    ann.send(direct, "Today, too.").await.expect(201);
    ann.send(id, "And later.").await.expect(201);
    let list = ann.get("/api/conversations/").await.expect(200);
    assert_eq!(list[0]["id"], id);
    let order = ann.history(id).await;
    let order: Vec<_> = order.iter().map(|message| &message["seq"]).collect();
    assert_eq!(order, [1, 2, 3, 4, 5]);
}
