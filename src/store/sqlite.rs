//! SQLite's connections, and what is asked on them.
//!
//! sqlx gives each connection a thread, and the way there and back takes
//! longer than most statements do. So nothing goes there by itself that can
//! go along with something else: a transaction begins with its first
//! statement and may end with its last, and a connection that is given back
//! isn't tried out, as sqlx's own pool does each time.

mod line;
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

use super::open::ACQUIRE_TIMEOUT;
use line::Line;
pub use probe::SqliteProbe;
pub(super) use transaction::{Begin, Transaction};

/// The connections for one purpose; each statement takes one for itself.
#[derive(Clone)]
pub(super) struct Connections(Pool<Opener>);

/// One of them, until it is dropped.
type Taken = Object<Opener>;

struct Opener {
    options: SqliteConnectOptions,
    probe: Option<Arc<SqliteProbe>>,
}

impl Manager for Opener {
    type Type = Line;
    type Error = SqlxError;

    async fn create(&self) -> Result<Line, SqlxError> {
        Line::open(&self.options, self.probe.as_ref()).await
    }

    async fn recycle(&self, line: &mut Line, _: &Metrics) -> RecycleResult<SqlxError> {
        match line.is_lost() {
            true => Err(RecycleError::message("it is of no more use")),
            false => Ok(()),
        }
    }
}

impl Connections {
    /// At most so many. One is opened at once, to see whether it can be and the
    /// file is a database.
    pub(super) async fn open(
        options: SqliteConnectOptions,
        probe: Option<Arc<SqliteProbe>>,
        most: usize,
    ) -> Result<Self, DbErr> {
        let pool = Pool::builder(Opener { options, probe })
            .max_size(most)
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))?;
        let connections = Self(pool);
        let mut first = connections.take().await?;
        first.look().await.map_err(not_opened)?;
        drop(first);
        Ok(connections)
    }

    async fn take(&self) -> Result<Taken, DbErr> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => not_opened(error),
            PoolError::Closed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
            _ => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        })
    }

    /// A transaction on one of them.
    pub(super) async fn begin(&self, how: Begin) -> Result<Transaction, DbErr> {
        Ok(Transaction::on(self.take().await?, how))
    }

    /// One beside these, as SeaORM has them: what migrates takes no other.
    pub(super) async fn for_sea_orm(&self) -> Result<DatabaseConnection, DbErr> {
        let options = self.0.manager().options.clone();
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options).await;
        let pool = pool.map_err(not_opened)?;
        Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
    }

    /// Closes each as soon as what is under way on it has ended.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        for _ in 0..self.0.status().size {
            let line = Object::take(self.take().await?);
            line.close().await.map_err(not_opened)?;
        }
        self.0.close();
        Ok(())
    }
}

#[async_trait]
impl ConnectionTrait for Connections {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.take().await?.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.take().await?.execute_unprepared(sql.to_owned()).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.take().await?.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.take().await?.query_all(statement).await
    }
}

fn not_opened(error: SqlxError) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

#[cfg(test)]
mod tests;
