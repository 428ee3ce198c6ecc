//! A clock that is set back: to the server the same as a database whose times
//! lie ahead.

use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::TestApp;

/// Everything that a clock an hour ahead has left behind.
const AN_HOUR_AHEAD: [&str; 7] = [
    "UPDATE message SET created_at = created_at + 3600000",
    "UPDATE conversation SET last_message_at = last_message_at + 3600000",
    "UPDATE receipt SET at = at + 3600000",
    "UPDATE login SET created_at = created_at + 3600000, last_used_at = last_used_at + 3600000, \
     expires_at = expires_at + 3600000",
    "UPDATE user_status SET last_seen = last_seen + 3600000",
    "UPDATE node SET alive_at = alive_at + 3600000",
    "UPDATE connection SET created_at = created_at + 3600000",
];

#[tokio::test]
async fn a_clock_that_is_set_back_turns_nothing_round() {
    let mut app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut there = ben.chat_socket(id).await;
    ann.send(id, "It is late.").await.expect(201);
    let seen = there.expect_message().await;
    there
        .send(json!({ "type": "read_receipt", "message_id": seen["id"] }))
        .await;
    there.expect_nothing_until_pong().await;
    let version = seen["version"].as_i64().unwrap();

    app.stop().await;
    let database = app.database().connection().await;
    for ahead in AN_HOUR_AHEAD {
        database.execute_unprepared(ahead).await.unwrap();
    }
    database.close().await.unwrap();
    app.start().await;

    // Logins hold, and a session takes up where it was.
    let mut there = ben.socket("/ws/").await;
    let before = ann.history(id).await;
    let sent = ann.send(id, "Is it earlier?").await.expect(201);
    assert_eq!(sent["seq"], 3);
    assert_eq!(
        sent["created_at"], before[1]["created_at"],
        "no later message is an earlier one"
    );
    let told = there.expect_message().await;
    assert_eq!(told["seq"], 3);
    assert!(told["version"].as_i64().unwrap() > version);
    assert_eq!(ben.conversation(id).await["unread_count"], 1);
    let history = ben.history(id).await;
    let order: Vec<_> = history.iter().map(|message| &message["seq"]).collect();
    assert_eq!(order, [1, 2, 3]);
    // It is still the newest in the list, and a mark still moves.
    there
        .send(json!({ "type": "read_receipt", "conversation_id": id, "message_id": told["id"] }))
        .await;
    there.expect_nothing_until_pong().await;
    let list = ben.get("/api/conversations/").await.expect(200);
    assert_eq!(list[0]["id"], id);
    let logins = ben.get("/api/auth/sessions/").await;
    assert_eq!(logins.status, 200, "{}", logins.body);
}
