//! Either database, and a transaction on it.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::postgres::{PostgresPool, PostgresTransaction};
use super::sqlite::{self, Connections};

/// Connections to one of them, for one purpose.
#[derive(Clone)]
pub(super) enum Database {
    Sqlite(Connections),
    Postgres(PostgresPool),
}

/// A transaction. Dropped before its commit, it is rolled back.
pub(super) enum Transaction {
    Sqlite(sqlite::Transaction),
    Postgres(PostgresTransaction),
}

impl Database {
    /// Lets what is under way finish, then closes every connection.
    pub(super) async fn close(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(connections) => connections.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    /// Commits once this is done, of which SQLite makes one trip.
    pub(super) async fn commit_after(self, last: Statement) -> Result<Vec<QueryResult>, DbErr> {
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

macro_rules! asks_either {
    ($either:ident) => {
        #[async_trait]
        impl ConnectionTrait for $either {
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

asks_either!(Database);
asks_either!(Transaction);
