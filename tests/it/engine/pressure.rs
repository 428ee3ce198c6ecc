//! Overload and a locked database: both are reported to the client, and a retry
//! succeeds.

use std::collections::BTreeSet;

use sea_orm::{
    ConnectionTrait, Database, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use serde_json::json;

use crate::support::raw_frames::{FINAL_BIT, TEXT, encode_frame};
use crate::support::{TestApp, within};

#[tokio::test]
async fn overload_is_refused_and_retry_succeeds() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.pending_sends = 4)
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
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
            .map(|name| encode_frame(TEXT | FINAL_BIT, send(*name).as_bytes()));
        here.write_bytes(&frames.collect::<Vec<_>>().concat()).await;
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
    assert!(refusals > 0, "the limit was never reached");
    here.expect_nothing_until_pong().await;
    let history = ben
        .get(&format!("/api/conversations/{id}/"))
        .await
        .expect(200);
    assert_eq!(history["last_seq"], 101);
}

/// Another process may hold SQLite's only write lock, or lock rows in
/// PostgreSQL. The server waits five seconds for it.
#[tokio::test]
async fn locked_database_is_unavailable_without_loss() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    let other = Database::connect(app.database().url_text()).await.unwrap();
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

    socket.send_text_as("Hello", "a").await;
    let (error, posted) = tokio::join!(
        socket.expect_error("unavailable"),
        ann.send_as(id, "Hello", "b")
    );
    assert_eq!(error["client_id"], "a");
    assert_eq!(posted.header("retry-after"), Some("1"));
    posted.expect_problem(503, "unavailable");
    // Reads still work.
    assert_eq!(ann.history(id).await.len(), 1);
    app.get("/healthz").await.expect(200);

    theirs.rollback().await.unwrap();
    within("the other connection to close", other.close())
        .await
        .unwrap();
    socket.send_text_as("Hello", "a").await;
    assert_eq!(socket.expect_message().await["seq"], 2);
    ann.send_as(id, "Hello", "b").await.expect(201);
}
