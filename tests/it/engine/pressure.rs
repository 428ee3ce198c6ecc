//! More than the engine takes at once, and a database that takes nothing:
//! both are told, and a retry is as good as the first try.

use std::collections::BTreeSet;

use sea_orm::{
    ConnectionTrait, Database, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use serde_json::json;

use crate::support::raw::{LAST, TEXT, frame};
use crate::support::{TestApp, within};

#[tokio::test]
async fn what_is_too_much_at_once_is_refused_and_may_be_tried_again() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.pending_sends = 4)
        .spawn()
        .await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut here = ann.chat_socket(id).await;
    let send = |name: usize| {
        let name = name.to_string();
        json!({ "type": "message", "message": name, "client_id": name }).to_string()
    };
    let mut open: BTreeSet<usize> = (0..100).collect();
    let mut refusals = 0;
    while !open.is_empty() {
        let frames = open
            .iter()
            .map(|name| frame(TEXT | LAST, send(*name).as_bytes()));
        here.write(&frames.collect::<Vec<_>>().concat()).await;
        for _ in 0..open.len() {
            let told = here.next().await;
            if told["type"] == "error" {
                assert_eq!(told["code"], "busy");
                assert_eq!(told["retry_after"], 1);
                refusals += 1;
            } else {
                let name = told["message"]["client_id"].as_str().unwrap();
                assert!(open.remove(&name.parse().unwrap()));
            }
        }
    }
    assert!(refusals > 0, "there was never too much");
    here.expect_nothing_until_pong().await;
    let history = ben
        .get(&format!("/api/conversations/{id}/"))
        .await
        .expect(200);
    assert_eq!(history["last_seq"], 101);
}

/// SQLite lets one write at a time, and another process may; PostgreSQL lets
/// others lock what they please. Ours waits for them for five seconds.
#[tokio::test]
async fn a_database_that_can_not_be_written_is_unavailable_and_nothing_is_lost() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    let other = Database::connect(app.database().text()).await.unwrap();
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let theirs = other.begin_with_options(options).await.unwrap();
    let lock = match other.get_database_backend() {
        DbBackend::Sqlite => "SELECT 1",
        _ => "SELECT id FROM conversation FOR UPDATE",
    };
    theirs.execute_unprepared(lock).await.unwrap();

    socket.say_as("Hello", "a").await;
    let (error, posted) = tokio::join!(
        socket.expect_error("unavailable"),
        ann.send_as(id, "Hello", "b")
    );
    assert_eq!(error["client_id"], "a");
    assert_eq!(posted.header("retry-after"), Some("1"));
    posted.refused(503, "unavailable");
    // Reading goes on.
    assert_eq!(ann.history(id).await.len(), 1);
    app.get("/healthz").await.expect(200);

    theirs.rollback().await.unwrap();
    within("the other to leave", other.close()).await.unwrap();
    socket.say_as("Hello", "a").await;
    assert_eq!(socket.expect_message().await["seq"], 2);
    ann.send_as(id, "Hello", "b").await.expect(201);
}
