//! A transaction that goes along with its statements.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx::Executor as _;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::Taken;

/// How a transaction begins.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Begin {
    /// With the write lock, so that it can't fail half-way for want of it.
    ToWrite,
    /// With a snapshot of what is there at its first read.
    ToRead,
}

impl Begin {
    fn sql(self) -> &'static str {
        match self {
            Self::ToWrite => "BEGIN IMMEDIATE",
            Self::ToRead => "BEGIN",
        }
    }
}

/// A transaction that begins with its first statement. Dropped before its
/// commit, it is rolled back.
pub(in crate::store) struct Transaction {
    work: Mutex<Work>,
}

struct Work {
    /// There until it is dropped.
    connection: Option<Taken>,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    Due(Begin),
    /// Where a statement fails, SQLite may have ended it by itself.
    Begun,
    Committed,
}

impl Work {
    fn connection(&mut self) -> Result<&mut SqliteConnection, DbErr> {
        let gone = DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        self.connection.as_deref_mut().ok_or(gone)
    }

    /// What is to be run for a statement: the first has the beginning with it.
    fn text(&mut self, sql: String) -> String {
        match std::mem::replace(&mut self.stage, Stage::Begun) {
            Stage::Due(begin) => format!("{};\n{sql}", begin.sql()),
            _ => sql,
        }
    }

    fn statement(&mut self, mut statement: Statement) -> Statement {
        statement.sql = self.text(statement.sql);
        statement
    }
}

impl Transaction {
    pub(super) fn on(connection: Taken, begin: Begin) -> Self {
        Self {
            work: Mutex::new(Work {
                connection: Some(connection),
                stage: Stage::Due(begin),
            }),
        }
    }

    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
        if let Stage::Due(_) = self.work.lock().await.stage {
            return Ok(());
        }
        let commit = Statement::from_string(DbBackend::Sqlite, "COMMIT");
        self.execute_raw(commit).await?;
        self.work.lock().await.stage = Stage::Committed;
        Ok(())
    }

    /// Commits, with this before it.
    pub(in crate::store) async fn commit_after(
        self,
        mut last: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        last.sql.push_str(";\nCOMMIT");
        let rows = self.query_all_raw(last).await?;
        self.work.lock().await.stage = Stage::Committed;
        Ok(rows)
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut work = self.work.lock().await;
        let statement = work.statement(statement);
        super::execute(work.connection()?, statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut work = self.work.lock().await;
        let sql = work.text(sql.to_owned());
        super::execute_unprepared(work.connection()?, sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut work = self.work.lock().await;
        let statement = work.statement(statement);
        super::query_one(work.connection()?, statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut work = self.work.lock().await;
        let statement = work.statement(statement);
        super::query_all(work.connection()?, statement).await
    }
}

impl Drop for Transaction {
    /// Nobody else gets its connection before it is rolled back. Outside of
    /// the runtime, as when that ends, the connection ends with it.
    fn drop(&mut self) {
        let work = self.work.get_mut();
        let (Stage::Begun, Some(connection)) = (work.stage, work.connection.take()) else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(roll_back(connection))),
            Err(_) => drop(Taken::take(connection)),
        }
    }
}

/// SQLite's plain error, by which it says that no transaction is open: it has
/// rolled back by itself.
const NONE_IS_OPEN: &str = "1";

async fn roll_back(mut connection: Taken) {
    let rolled_back = connection.execute("ROLLBACK").await;
    let is_open = rolled_back.is_err_and(|error| {
        let code = error.as_database_error().and_then(|error| error.code());
        code.as_deref() != Some(NONE_IS_OPEN)
    });
    if is_open {
        drop(Taken::take(connection));
    }
}
