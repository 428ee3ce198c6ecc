//! PostgreSQL's connections, and what is asked on them.
//!
//! There are as many turns as connections, so that the wait for a connection
//! is a wait for a turn, and a statement's time is that on its connection.

use std::sync::Arc;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, QueryResult, RuntimeErr, Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::open::ACQUIRE_TIMEOUT;
use super::statement_time::StatementTimer;

/// The pool. Each statement takes a connection for itself.
#[derive(Clone)]
pub(super) struct PostgresPool {
    pool: DatabaseConnection,
    turns: Arc<Semaphore>,
}

/// A transaction on one of its connections.
pub(super) struct PostgresTransaction {
    tx: DatabaseTransaction,
    _turn: OwnedSemaphorePermit,
}

impl PostgresPool {
    /// The pool with so many connections.
    pub(super) fn new(pool: DatabaseConnection, connections: u32) -> Self {
        let turns = usize::try_from(connections).unwrap_or(1);
        Self {
            pool,
            turns: Arc::new(Semaphore::new(turns)),
        }
    }

    /// The pool itself, for what makes connections of its own.
    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.pool
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        match tokio::time::timeout(ACQUIRE_TIMEOUT, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    /// Begins a transaction in a task of its own, which ends also where nobody
    /// waits for it any more: a request or a session may be dropped at any
    /// moment. sqlx gives a PostgreSQL connection that was dropped amid `BEGIN`
    /// back to its pool with the transaction open, and what the next one writes
    /// there by itself would never be committed. One that has begun is rolled
    /// back.
    pub(super) async fn begin_whole(
        &self,
        options: TransactionOptions,
    ) -> Result<PostgresTransaction, DbErr> {
        let turn = self.turn().await?;
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move {
            let tx = pool.begin_with_options(options).await?;
            Ok(PostgresTransaction { tx, _turn: turn })
        });
        match begun.await {
            Ok(begun) => begun,
            // The runtime is going, and takes its tasks along.
            Err(error) => Err(DbErr::Conn(RuntimeErr::Internal(error.to_string()))),
        }
    }

    /// Lets what is under way finish, then closes every connection.
    pub(super) async fn close(self) -> Result<(), DbErr> {
        self.pool.close().await
    }
}

impl PostgresTransaction {
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        let _timer = StatementTimer::start();
        self.tx.commit().await
    }
}

#[async_trait]
impl ConnectionTrait for PostgresPool {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _turn = self.turn().await?;
        let _timer = StatementTimer::start();
        self.pool.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _turn = self.turn().await?;
        let _timer = StatementTimer::start();
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _turn = self.turn().await?;
        let _timer = StatementTimer::start();
        self.pool.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _turn = self.turn().await?;
        let _timer = StatementTimer::start();
        self.pool.query_all_raw(statement).await
    }
}

#[async_trait]
impl ConnectionTrait for PostgresTransaction {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _timer = StatementTimer::start();
        self.tx.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _timer = StatementTimer::start();
        self.tx.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _timer = StatementTimer::start();
        self.tx.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _timer = StatementTimer::start();
        self.tx.query_all_raw(statement).await
    }
}
