//! Transactions that go along with their statements, on a file of their own.

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use super::*;

/// A writer's one connection, to a table with these three.
async fn three() -> (TempDir, Connections) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("three.db"))
        .create_if_missing(true);
    let writer = Connections::open(options, None, 1).await.unwrap();
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
async fn the_first_statement_says_what_it_changed_and_not_what_was_changed_before() {
    let (_folder, writer) = three().await;
    let tx = writer.begin(Begin::ToWrite).await.unwrap();
    let done = tx.execute_raw(statement("DELETE FROM t WHERE n > 3"));
    assert_eq!(done.await.unwrap().rows_affected(), 0);
    let done = tx.execute_raw(statement("DELETE FROM t WHERE n > 1"));
    assert_eq!(done.await.unwrap().rows_affected(), 2);
    tx.commit().await.unwrap();
    assert_eq!(count(&writer).await, 1);
}

#[tokio::test]
async fn what_is_dropped_is_rolled_back_before_anybody_else_comes() {
    let (_folder, writer) = three().await;
    let tx = writer.begin(Begin::ToWrite).await.unwrap();
    tx.execute_unprepared("DELETE FROM t").await.unwrap();
    assert_eq!(count(&tx).await, 0);
    drop(tx);
    assert_eq!(count(&writer).await, 3);
}

#[tokio::test]
async fn what_goes_along_with_the_commit_is_committed_or_rolled_back_with_it() {
    let (_folder, writer) = three().await;
    let tx = writer.begin(Begin::ToWrite).await.unwrap();
    let rows = tx.commit_after(statement("INSERT INTO t VALUES (4) RETURNING n"));
    assert_eq!(rows.await.unwrap().len(), 1);
    assert_eq!(count(&writer).await, 4);

    let tx = writer.begin(Begin::ToWrite).await.unwrap();
    let failing = "DELETE FROM t; INSERT INTO t VALUES (1), (1)";
    tx.commit_after(statement(failing)).await.unwrap_err();
    assert_eq!(count(&writer).await, 4);
}

/// As a full disk has SQLite do it.
#[tokio::test]
async fn what_sqlite_has_rolled_back_by_itself_leaves_a_connection_that_works() {
    let (_folder, writer) = three().await;
    let tx = writer.begin(Begin::ToWrite).await.unwrap();
    let failing = "DELETE FROM t; INSERT OR ROLLBACK INTO t VALUES (1), (1)";
    tx.execute_unprepared(failing).await.unwrap_err();
    drop(tx);
    let tx = writer.begin(Begin::ToWrite).await.unwrap();
    tx.execute_unprepared("INSERT INTO t VALUES (4)")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&writer).await, 4);
}

#[tokio::test]
async fn one_in_which_nothing_was_asked_never_began() {
    let (_folder, writer) = three().await;
    writer
        .begin(Begin::ToWrite)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    drop(writer.begin(Begin::ToWrite).await.unwrap());
    assert_eq!(count(&writer).await, 3);
}
