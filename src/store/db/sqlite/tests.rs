//! Transactions that begin and end together with their statements, on a file.

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use super::*;

/// Opens one writing connection to a table of three rows.
async fn three() -> (TempDir, SqliteConnections) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("three.db"))
        .create_if_missing(true);
    let writer = SqliteConnections::open(options, None, 1).await.unwrap();
    let make = "CREATE TABLE t (n INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)";
    writer.execute_unprepared(make).await.unwrap();
    (folder, writer)
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, sql)
}

async fn count(db: &impl ConnectionTrait) -> i64 {
    let row = db.query_one_raw(statement("SELECT COUNT(*) FROM t")).await;
    row.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn first_statement_counts_only_own_rows() {
    let (_folder, writer) = three().await;
    let tx = writer.begin(BeginMode::Write).await.unwrap();
    let done = tx.execute_raw(statement("DELETE FROM t WHERE n > 3"));
    assert_eq!(done.await.unwrap().rows_affected(), 0);
    let done = tx.execute_raw(statement("DELETE FROM t WHERE n > 1"));
    assert_eq!(done.await.unwrap().rows_affected(), 2);
    tx.commit().await.unwrap();
    assert_eq!(count(&writer).await, 1);
}

#[tokio::test]
async fn dropped_transaction_rolls_back_first() {
    let (_folder, writer) = three().await;
    let tx = writer.begin(BeginMode::Write).await.unwrap();
    tx.execute_unprepared("DELETE FROM t").await.unwrap();
    assert_eq!(count(&tx).await, 0);
    drop(tx);
    assert_eq!(count(&writer).await, 3);
}

#[tokio::test]
async fn last_statement_shares_commit_or_rollback() {
    let (_folder, writer) = three().await;
    let tx = writer.begin(BeginMode::Write).await.unwrap();
    let rows = tx.commit_after(statement("INSERT INTO t VALUES (4) RETURNING n"));
    assert_eq!(rows.await.unwrap().len(), 1);
    assert_eq!(count(&writer).await, 4);

    let tx = writer.begin(BeginMode::Write).await.unwrap();
    let failing = "DELETE FROM t; INSERT INTO t VALUES (1), (1)";
    tx.commit_after(statement(failing)).await.unwrap_err();
    assert_eq!(count(&writer).await, 4);
}

/// SQLite rolls back by itself here, as on a full disk.
#[tokio::test]
async fn connection_survives_rollback_by_sqlite() {
    let (_folder, writer) = three().await;
    let tx = writer.begin(BeginMode::Write).await.unwrap();
    let failing = "DELETE FROM t; INSERT OR ROLLBACK INTO t VALUES (1), (1)";
    tx.execute_unprepared(failing).await.unwrap_err();
    drop(tx);
    let tx = writer.begin(BeginMode::Write).await.unwrap();
    tx.execute_unprepared("INSERT INTO t VALUES (4)")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&writer).await, 4);
}

#[tokio::test]
async fn unused_transaction_never_begins() {
    let (_folder, writer) = three().await;
    writer
        .begin(BeginMode::Write)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    drop(writer.begin(BeginMode::Write).await.unwrap());
    assert_eq!(count(&writer).await, 3);
}
