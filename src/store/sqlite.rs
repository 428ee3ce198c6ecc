//! SQLite's connections, and what is asked on them.
//!
//! sqlx gives each connection a thread, and the way there and back takes
//! longer than most statements do. So nothing goes there by itself that can
//! go along with something else: a transaction begins with its first
//! statement and may end with its last, and a connection that is given back
//! isn't tried out, as sqlx's own pool does each time.

mod transaction;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleResult};
use futures_util::TryStreamExt;
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqlitePoolOptions, SqliteQueryResult,
};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, Either, Executor};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqlxError, SqlxSqliteConnector, Statement,
};
use sea_query_sqlx::SqlxValues;

use super::open::ACQUIRE_TIMEOUT;
pub(super) use transaction::{Begin, Transaction};

/// The connections for one purpose; each statement takes one for itself.
#[derive(Clone)]
pub(super) struct Connections(Pool<Opener>);

/// One of them, until it is dropped.
type Taken = Object<Opener>;

struct Opener(SqliteConnectOptions);

impl Manager for Opener {
    type Type = SqliteConnection;
    type Error = SqlxError;

    async fn create(&self) -> Result<SqliteConnection, SqlxError> {
        self.0.connect().await
    }

    async fn recycle(&self, _: &mut SqliteConnection, _: &Metrics) -> RecycleResult<SqlxError> {
        Ok(())
    }
}

impl Connections {
    /// At most so many. One is opened at once, to see whether it can be and the
    /// file is a database.
    pub(super) async fn open(options: SqliteConnectOptions, most: usize) -> Result<Self, DbErr> {
        let pool = Pool::builder(Opener(options))
            .max_size(most)
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))?;
        let connections = Self(pool);
        let mut first = connections.take().await?;
        let look = first.execute("PRAGMA schema_version").await;
        look.map_err(unreachable)?;
        drop(first);
        Ok(connections)
    }

    async fn take(&self) -> Result<Taken, DbErr> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => unreachable(error),
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
        let options = self.0.manager().0.clone();
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options).await;
        let pool = pool.map_err(unreachable)?;
        Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
    }

    /// Closes each as soon as what is under way on it has ended.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        for _ in 0..self.0.status().size {
            let connection = Object::take(self.take().await?);
            connection.close().await.map_err(unreachable)?;
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
        execute(&mut *self.take().await?, statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        execute_unprepared(&mut *self.take().await?, sql.to_owned()).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        query_one(&mut *self.take().await?, statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        query_all(&mut *self.take().await?, statement).await
    }
}

fn unreachable(error: SqlxError) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

fn failed(error: SqlxError) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, SqlxValues>;

fn query(statement: Statement) -> Query {
    let values = statement.values.map_or_else(Vec::new, |values| values.0);
    let values = SqlxValues(sea_orm::Values(values));
    sqlx::query_with(AssertSqlSafe(statement.sql), values)
}

/// Of several statements, the last one's result counts: those that change
/// nothing repeat how much was changed before them.
async fn execute(on: &mut SqliteConnection, statement: Statement) -> Result<ExecResult, DbErr> {
    let mut steps = on.fetch_many(query(statement));
    let mut done = SqliteQueryResult::default();
    while let Some(step) = steps.try_next().await.map_err(failed)? {
        if let Either::Left(one) = step {
            done = one;
        }
    }
    Ok(done.into())
}

async fn execute_unprepared(on: &mut SqliteConnection, sql: String) -> Result<ExecResult, DbErr> {
    let done = on.execute(AssertSqlSafe(sql)).await;
    Ok(done.map_err(failed)?.into())
}

async fn query_one(
    on: &mut SqliteConnection,
    statement: Statement,
) -> Result<Option<QueryResult>, DbErr> {
    let row = query(statement).fetch_optional(on).await;
    Ok(row.map_err(failed)?.map(Into::into))
}

async fn query_all(
    on: &mut SqliteConnection,
    statement: Statement,
) -> Result<Vec<QueryResult>, DbErr> {
    let rows = query(statement).fetch_all(on).await;
    let rows = rows.map_err(failed)?;
    Ok(rows.into_iter().map(Into::into).collect())
}
