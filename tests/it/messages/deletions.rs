use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use super::{edit, path, react};
use crate::groups::crew::group;
use crate::support::TestApp;
use crate::support::redact::assert_wire;

#[tokio::test]
async fn deleted_text_is_erased_from_database() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "A secret").await.expect(201);
    let to = format!("/api/conversations/{id}/messages/");
    let body = json!({ "text": "Oh", "reply_to": sent["id"] });
    ben.post(&to, body).await.expect(201);
    react(&ben, &path(id, &sent), "👍").await.expect(200);
    let mut there = ben.socket("/ws/").await;
    ann.delete(&path(id, &sent)).await.expect(204);
    let told = there.expect("message_updated").await;
    assert_wire!("message_deleted", told.clone());
    let quoting = there.expect("message_updated").await;
    assert_eq!(quoting["message"]["reply_to"]["text"], "");
    assert_eq!(ben.history(id).await[1], told["message"]);
    let db = app.database().connection().await;
    let statement = Statement::from_string(
        db.get_database_backend(),
        "SELECT COUNT(*) FROM message WHERE text LIKE '%secret%'",
    );
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 0);
}

#[tokio::test]
async fn deleted_message_is_final_and_read() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Never mind").await.expect(201);
    assert_eq!(ben.conversation(id).await["unread_count"], 2);
    let path = path(id, &sent);
    ann.delete(&path).await.expect(204);
    assert_eq!(ben.conversation(id).await["unread_count"], 1);
    let version = ann.conversation(id).await["version"].clone();
    ann.delete(&path).await.expect(204);
    edit(&ann, &path, "Mind")
        .await
        .expect_problem(409, "conflict");
    react(&ben, &path, "👍")
        .await
        .expect_problem(409, "conflict");
    assert_eq!(ann.conversation(id).await["version"], version);
}

#[tokio::test]
async fn group_admin_deletes_others_message() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let (owner, one, other) = (&people[0], &people[1], &people[2]);
    let sent = one.send(id, "Nonsense").await.expect(201);
    let path = path(id, &sent);
    other.delete(&path).await.expect_problem(403, "forbidden");
    owner.delete(&path).await.expect(204);
    let history = one.history(id).await;
    let last = history.last().unwrap();
    assert_eq!(
        (&last["deleted"], &last["text"]),
        (&json!(true), &json!(""))
    );
    let system = format!("/api/conversations/{id}/messages/{}/", history[0]["id"]);
    owner.delete(&system).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn direct_partner_cannot_delete_message() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Hello").await.expect(201);
    let mut socket = ben.chat_socket(id).await;
    let frame = json!({ "type": "delete", "message_id": sent["id"] });
    socket.send(frame).await;
    let error = socket.expect_error("forbidden").await;
    assert_eq!(error["message_id"], sent["id"]);
}

/// Guards against a former bug: connected clients kept a deleted text if it had
/// more quotes than the server sends one by one.
#[tokio::test]
async fn live_quotes_lose_deleted_text() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let to = format!("/api/conversations/{id}/messages/");
    for (many, is_sent_singly) in [(100, true), (101, false)] {
        let sent = ann.send(id, "A secret").await.expect(201);
        let body = json!({ "text": "Oh", "reply_to": sent["id"] });
        let quotes = (0..many).map(|_| ben.post(&to, body.clone()));
        for answer in join_all(quotes).await {
            answer.expect(201);
        }
        let mut sockets = [ben.socket("/ws/").await, ann.chat_socket(id).await];
        ann.delete(&path(id, &sent)).await.expect(204);
        for socket in &mut sockets {
            let told = socket.expect("message_updated").await;
            assert_eq!(told["message"]["deleted"], true);
            if is_sent_singly {
                for _ in 0..many {
                    let quoting = socket.expect("message_updated").await;
                    assert_eq!(quoting["message"]["reply_to"]["text"], "");
                }
            } else {
                let reset = socket.expect("reset").await;
                assert_eq!(
                    (&reset["conversation_id"], &reset["reason"]),
                    (&json!(id), &json!("too_far_behind"))
                );
            }
            socket.expect_nothing_until_pong().await;
        }
        let newest = ben.history(id).await;
        let mut newest = newest.iter();
        assert!(newest.all(|message| message["reply_to"]["text"] != "A secret"));
    }
}
