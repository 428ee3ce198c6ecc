//! A transaction that begins with its first statement.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::BorrowedConnection;
use super::connection::SqlitePoolConnection;

/// The mode in which a transaction begins.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum BeginMode {
    /// Takes the write lock at the start, so that no later statement can fail
    /// because another process has it.
    Write,
    /// Takes a snapshot at the first read.
    Read,
}

impl BeginMode {
    fn sql(self) -> &'static str {
        match self {
            Self::Write => "BEGIN IMMEDIATE",
            Self::Read => "BEGIN",
        }
    }
}

/// A transaction that begins with its first statement. It is rolled back if it
/// is dropped before its commit.
pub(in crate::store) struct SqliteTransaction {
    state: Mutex<TransactionState>,
}

struct TransactionState {
    /// Set until the transaction is dropped.
    connection: Option<BorrowedConnection>,
    stage: TransactionStage,
}

#[derive(Clone, Copy)]
enum TransactionStage {
    NotBegun(BeginMode),
    /// After a failed statement, SQLite may have rolled back by itself.
    Begun,
    Committed,
}

impl TransactionState {
    fn connection(&mut self) -> Result<&mut SqlitePoolConnection, DbErr> {
        let gone = DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        self.connection.as_deref_mut().ok_or(gone)
    }

    /// Prepends `BEGIN` to the first statement.
    fn prepend_begin(&mut self, sql: String) -> String {
        match std::mem::replace(&mut self.stage, TransactionStage::Begun) {
            TransactionStage::NotBegun(begin) => format!("{};\n{sql}", begin.sql()),
            _ => sql,
        }
    }

    fn prepare_statement(&mut self, mut statement: Statement) -> Statement {
        statement.sql = self.prepend_begin(statement.sql);
        statement
    }
}

impl SqliteTransaction {
    pub(super) fn new(taken: BorrowedConnection, begin: BeginMode) -> Self {
        Self {
            state: Mutex::new(TransactionState {
                connection: Some(taken),
                stage: TransactionStage::NotBegun(begin),
            }),
        }
    }

    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
        if let TransactionStage::NotBegun(_) = self.state.lock().await.stage {
            return Ok(());
        }
        let commit = Statement::from_string(DbBackend::Sqlite, "COMMIT");
        self.execute_raw(commit).await?;
        self.state.lock().await.stage = TransactionStage::Committed;
        Ok(())
    }

    /// Runs a last statement and commits.
    pub(in crate::store) async fn commit_after(
        self,
        mut last: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        last.sql.push_str(";\nCOMMIT");
        let rows = self.query_all_raw(last).await?;
        self.state.lock().await.stage = TransactionStage::Committed;
        Ok(rows)
    }
}

#[async_trait]
impl ConnectionTrait for SqliteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut work = self.state.lock().await;
        let statement = work.prepare_statement(statement);
        work.connection()?.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut work = self.state.lock().await;
        let sql = work.prepend_begin(sql.to_owned());
        work.connection()?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut work = self.state.lock().await;
        let statement = work.prepare_statement(statement);
        work.connection()?.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut work = self.state.lock().await;
        let statement = work.prepare_statement(statement);
        work.connection()?.query_all(statement).await
    }
}

impl Drop for SqliteTransaction {
    /// Rolls back before the connection can be used again. Outside of the
    /// runtime, for example when that shuts down, the connection is closed
    /// instead.
    fn drop(&mut self) {
        let work = self.state.get_mut();
        let (TransactionStage::Begun, Some(mut taken)) = (work.stage, work.connection.take())
        else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { taken.roll_back().await })),
            Err(_) => drop(BorrowedConnection::take(taken)),
        }
    }
}
