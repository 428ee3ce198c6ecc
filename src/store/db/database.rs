//! A database of either kind, and a transaction on it.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::store::db::postgres::{PostgresPool, PostgresTransaction};
use crate::store::db::sqlite::{self, SqliteConnections};

/// Connections to a database, for reading or for writing.
#[derive(Clone)]
pub(in crate::store) enum Database {
    Sqlite(SqliteConnections),
    Postgres(PostgresPool),
}

/// A transaction, rolled back if it is dropped before its commit.
pub(in crate::store) enum StoreTransaction {
    Sqlite(sqlite::SqliteTransaction),
    Postgres(PostgresTransaction),
}

impl Database {
    /// Waits for running statements, then closes every connection.
    pub(in crate::store) async fn close(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(connections) => connections.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl StoreTransaction {
    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    /// Runs a last statement and commits; on SQLite in one call.
    pub(in crate::store) async fn commit_after(
        self,
        last: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(tx) => tx.commit_after(last).await,
            Self::Postgres(tx) => {
                let rows = tx.query_all_raw(last).await?;
                tx.commit().await?;
                Ok(rows)
            }
        }
    }
}

macro_rules! impl_connection_trait {
    ($database:ident) => {
        #[async_trait]
        impl ConnectionTrait for $database {
            fn get_database_backend(&self) -> DbBackend {
                match self {
                    Self::Sqlite(_) => DbBackend::Sqlite,
                    Self::Postgres(_) => DbBackend::Postgres,
                }
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Sqlite(db) => db.execute_raw(statement).await,
                    Self::Postgres(db) => db.execute_raw(statement).await,
                }
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Sqlite(db) => db.execute_unprepared(sql).await,
                    Self::Postgres(db) => db.execute_unprepared(sql).await,
                }
            }

            async fn query_one_raw(
                &self,
                statement: Statement,
            ) -> Result<Option<QueryResult>, DbErr> {
                match self {
                    Self::Sqlite(db) => db.query_one_raw(statement).await,
                    Self::Postgres(db) => db.query_one_raw(statement).await,
                }
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                match self {
                    Self::Sqlite(db) => db.query_all_raw(statement).await,
                    Self::Postgres(db) => db.query_all_raw(statement).await,
                }
            }
        }
    };
}

impl_connection_trait!(Database);
impl_connection_trait!(StoreTransaction);
