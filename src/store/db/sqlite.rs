//! SQLite connections and the statements on them.
//!
//! sqlx gives each connection a thread, and a switch to it and back takes
//! longer than most statements. So round trips are merged: a transaction begins
//! with its first statement and may end with its last. A returned connection
//! isn't tested, unlike in sqlx's own pool.

mod connection;
mod probe;
mod transaction;

use std::sync::Arc;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqlxError, SqlxSqliteConnector, Statement,
};

use crate::store::db::ACQUIRE_TIMEOUT;
use connection::SqlitePoolConnection;
pub use probe::SqliteProbe;
pub(in crate::store) use transaction::{BeginMode, SqliteTransaction};

/// A pool of connections for reading or for writing. Each statement takes one
/// for itself.
#[derive(Clone)]
pub(in crate::store) struct SqliteConnections(Pool<ConnectionOpener>);

/// A borrowed connection, returned when it is dropped.
type BorrowedConnection = Object<ConnectionOpener>;

struct ConnectionOpener {
    options: SqliteConnectOptions,
    probe: Option<Arc<SqliteProbe>>,
}

impl Manager for ConnectionOpener {
    type Type = SqlitePoolConnection;
    type Error = SqlxError;

    async fn create(&self) -> Result<SqlitePoolConnection, SqlxError> {
        SqlitePoolConnection::open(&self.options, self.probe.as_ref()).await
    }

    async fn recycle(
        &self,
        connection: &mut SqlitePoolConnection,
        _: &Metrics,
    ) -> RecycleResult<SqlxError> {
        if connection.is_lost() {
            Err(RecycleError::message("the connection is lost"))
        } else {
            Ok(())
        }
    }
}

impl SqliteConnections {
    /// Creates a pool of at most `most` connections. Opens one at once, to
    /// check that the file is a database.
    pub(in crate::store) async fn open(
        options: SqliteConnectOptions,
        probe: Option<Arc<SqliteProbe>>,
        most: usize,
    ) -> Result<Self, DbErr> {
        let pool = Pool::builder(ConnectionOpener { options, probe })
            .max_size(most)
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))?;
        let connections = Self(pool);
        let mut first = connections.acquire().await?;
        first.check_header().await.map_err(open_error)?;
        drop(first);
        Ok(connections)
    }

    async fn acquire(&self) -> Result<BorrowedConnection, DbErr> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => open_error(error),
            PoolError::Closed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
            _ => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        })
    }

    /// Begins a transaction on one connection.
    pub(in crate::store) async fn begin(&self, how: BeginMode) -> Result<SqliteTransaction, DbErr> {
        Ok(SqliteTransaction::new(self.acquire().await?, how))
    }

    /// Opens a separate connection for SeaORM, which the migrator requires.
    pub(in crate::store) async fn open_sea_orm(&self) -> Result<DatabaseConnection, DbErr> {
        let options = self.0.manager().options.clone();
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options).await;
        let pool = pool.map_err(open_error)?;
        Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
    }

    /// Closes each connection as soon as its running statement has ended.
    pub(in crate::store) async fn close(&self) -> Result<(), DbErr> {
        for _ in 0..self.0.status().size {
            let connection = Object::take(self.acquire().await?);
            connection.close().await.map_err(open_error)?;
        }
        self.0.close();
        Ok(())
    }
}

#[async_trait]
impl ConnectionTrait for SqliteConnections {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.acquire().await?.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.acquire()
            .await?
            .execute_unprepared(sql.to_owned())
            .await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.acquire().await?.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.acquire().await?.query_all(statement).await
    }
}

fn open_error(error: SqlxError) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

#[cfg(test)]
mod tests;
