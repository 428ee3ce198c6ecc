//! A transaction that goes along with its statements.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::Taken;
use super::line::Line;

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
    taken: Option<Taken>,
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
    fn line(&mut self) -> Result<&mut Line, DbErr> {
        let gone = DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        self.taken.as_deref_mut().ok_or(gone)
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
    pub(super) fn on(taken: Taken, begin: Begin) -> Self {
        Self {
            work: Mutex::new(Work {
                taken: Some(taken),
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
        work.line()?.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut work = self.work.lock().await;
        let sql = work.text(sql.to_owned());
        work.line()?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut work = self.work.lock().await;
        let statement = work.statement(statement);
        work.line()?.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut work = self.work.lock().await;
        let statement = work.statement(statement);
        work.line()?.query_all(statement).await
    }
}

impl Drop for Transaction {
    /// Nobody else gets its connection before it is rolled back. Outside of
    /// the runtime, as when that ends, the connection ends with it.
    fn drop(&mut self) {
        let work = self.work.get_mut();
        let (Stage::Begun, Some(mut taken)) = (work.stage, work.taken.take()) else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { taken.roll_back().await })),
            Err(_) => drop(Taken::take(taken)),
        }
    }
}
