//! PostgreSQL connections and the statements on them.
//!
//! There are as many permits as connections. So a statement waits for a permit
//! and not for a connection, and this wait isn't part of its measured time.

use std::sync::Arc;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, QueryResult, RuntimeErr, Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::db::ACQUIRE_TIMEOUT;
use crate::store::db::statement_time::StatementTimer;

/// The pool. Each statement takes a connection for itself.
#[derive(Clone)]
pub(in crate::store) struct PostgresPool {
    pool: DatabaseConnection,
    permits: Arc<Semaphore>,
}

/// A transaction on one connection.
pub(in crate::store) struct PostgresTransaction {
    tx: DatabaseTransaction,
    _permit: OwnedSemaphorePermit,
}

impl PostgresPool {
    /// Wraps a pool with this number of connections.
    pub(in crate::store) fn new(pool: DatabaseConnection, connections: u32) -> Self {
        let permits = usize::try_from(connections).unwrap_or(1);
        Self {
            pool,
            permits: Arc::new(Semaphore::new(permits)),
        }
    }

    /// Returns the pool itself, for opening separate connections.
    pub(in crate::store) fn connection(&self) -> &DatabaseConnection {
        &self.pool
    }

    async fn acquire_permit(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(ACQUIRE_TIMEOUT, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    /// Begins a transaction in a task of its own, which completes even if the
    /// caller is dropped, as requests and sessions may be at any time. sqlx
    /// returns a PostgreSQL connection that was dropped during `BEGIN` to its
    /// pool with the transaction open. Later writes on it would never be
    /// committed. A transaction that has begun is rolled back when it is
    /// dropped.
    pub(in crate::store) async fn begin_detached(
        &self,
        options: TransactionOptions,
    ) -> Result<PostgresTransaction, DbErr> {
        let permit = self.acquire_permit().await?;
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move {
            let tx = pool.begin_with_options(options).await?;
            Ok(PostgresTransaction {
                tx,
                _permit: permit,
            })
        });
        match begun.await {
            Ok(begun) => begun,
            // The runtime is shutting down.
            Err(error) => Err(DbErr::Conn(RuntimeErr::Internal(error.to_string()))),
        }
    }

    /// Waits for running statements, then closes every connection.
    pub(in crate::store) async fn close(self) -> Result<(), DbErr> {
        self.pool.close().await
    }
}

impl PostgresTransaction {
    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
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
        let _permit = self.acquire_permit().await?;
        let _timer = StatementTimer::start();
        self.pool.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _permit = self.acquire_permit().await?;
        let _timer = StatementTimer::start();
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _permit = self.acquire_permit().await?;
        let _timer = StatementTimer::start();
        self.pool.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _permit = self.acquire_permit().await?;
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
