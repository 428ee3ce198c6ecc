//! A single connection.

use std::sync::Arc;

use futures_util::TryStreamExt;
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteQueryResult};
use sea_orm::sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Executor, query_with};
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, SqlxError, Statement, Values};
use sea_query_sqlx::SqlxValues;

use super::SqliteProbe;
use crate::store::db::statement_time::StatementTimer;

/// The code of SQLite's generic error. `ROLLBACK` returns it if no transaction
/// is open.
const NONE_IS_OPEN: &str = "1";

/// A connection, and whether it must be discarded.
pub(super) struct SqlitePoolConnection {
    connection: SqliteConnection,
    is_lost: bool,
}

impl SqlitePoolConnection {
    pub(super) async fn open(
        options: &SqliteConnectOptions,
        probe: Option<&Arc<SqliteProbe>>,
    ) -> Result<Self, SqlxError> {
        let mut connection = options.connect().await?;
        if let Some(probe) = probe {
            probe.attach(&mut connection).await?;
        }
        Ok(Self {
            connection,
            is_lost: false,
        })
    }

    /// Reads the file's header, to check that it is a database.
    pub(super) async fn check_header(&mut self) -> Result<(), SqlxError> {
        let looked = self.connection.execute("PRAGMA schema_version");
        looked.await.map(drop)
    }

    /// Returns whether the connection's thread has ended, or its transaction
    /// can't be ended.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    pub(super) async fn close(self) -> Result<(), SqlxError> {
        self.connection.close().await
    }

    /// Rolls back, unless SQLite has done so by itself.
    pub(super) async fn roll_back(&mut self) {
        if let Err(error) = self.connection.execute("ROLLBACK").await {
            let code = error.as_database_error().and_then(|error| error.code());
            self.is_lost = code.as_deref() != Some(NONE_IS_OPEN);
        }
    }

    /// Runs one or several statements and returns the result of the last one.
    /// After a statement that changes nothing, SQLite repeats the row count of
    /// the one before it.
    pub(super) async fn execute(&mut self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _timer = StatementTimer::start();
        let mut steps = self.connection.fetch_many(bind_query(statement));
        let mut done = Ok(SqliteQueryResult::default());
        loop {
            match steps.try_next().await {
                Ok(Some(Either::Left(one))) => done = Ok(one),
                Ok(Some(Either::Right(_))) => {}
                Ok(None) => break,
                Err(error) => {
                    done = Err(error);
                    break;
                }
            }
        }
        drop(steps);
        Ok(self.note_result(done)?.into())
    }

    pub(super) async fn execute_unprepared(&mut self, sql: String) -> Result<ExecResult, DbErr> {
        let _timer = StatementTimer::start();
        let done = self.connection.execute(AssertSqlSafe(sql)).await;
        Ok(self.note_result(done)?.into())
    }

    pub(super) async fn query_one(
        &mut self,
        statement: Statement,
    ) -> Result<Option<QueryResult>, DbErr> {
        let _timer = StatementTimer::start();
        let row = bind_query(statement)
            .fetch_optional(&mut self.connection)
            .await;
        Ok(self.note_result(row)?.map(Into::into))
    }

    pub(super) async fn query_all(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let _timer = StatementTimer::start();
        let rows = bind_query(statement).fetch_all(&mut self.connection).await;
        Ok(self
            .note_result(rows)?
            .into_iter()
            .map(Into::into)
            .collect())
    }

    fn note_result<T>(&mut self, done: Result<T, SqlxError>) -> Result<T, DbErr> {
        done.map_err(|error| {
            self.is_lost |= matches!(error, SqlxError::WorkerCrashed);
            DbErr::Query(RuntimeErr::SqlxError(error.into()))
        })
    }
}

fn bind_query(statement: Statement) -> Query<'static, Sqlite, SqlxValues> {
    let values = statement.values.map_or_else(Vec::new, |values| values.0);
    query_with(AssertSqlSafe(statement.sql), SqlxValues(Values(values)))
}
