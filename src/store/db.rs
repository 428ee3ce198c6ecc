//! The lowest layer of the store: connections, transactions, statements and
//! errors.
//!
//! The store's modules about subjects, such as messages, import from this
//! module, and it imports from none of them.
//!
//! SQLite has one connection that writes, so that writers queue here and not in
//! the database, and a few that can only read. PostgreSQL has one pool. Writes
//! that belong together share a transaction.

mod batch_loader;
mod connect;
mod database;
mod error;
pub(in crate::store) mod json_rows;
mod postgres;
pub(in crate::store) mod sql;
mod sqlite;
mod statement_batch;
mod statement_time;
mod ttl_cache;

use std::time::Duration;

use sea_orm::{AccessMode, ConnectionTrait, DbBackend, IsolationLevel, TransactionOptions, Value};

use sqlite::BeginMode;

pub(in crate::store) use batch_loader::BatchLoader;
pub(in crate::store) use database::{Database, StoreTransaction};
pub use error::{Result, StoreError};
pub use sqlite::SqliteProbe;
pub(in crate::store) use statement_batch::{QueuedQuery, StatementAnswers, StatementBatch};
pub use statement_time::{StatementMeter, StatementPayer, inherit_payer, with_payer};
pub(in crate::store) use ttl_cache::TtlCache;

/// The time that a query waits for a connection before it fails with
/// `unavailable`.
pub(in crate::store) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of rows or users in a statement. Their bind parameters
/// stay well within the limits of both databases.
pub(in crate::store) const ROWS_PER_STATEMENT: usize = 500;

/// The connections to the database. Clones share them.
#[derive(Clone)]
pub(in crate::store) struct Db {
    writer: Database,
    reader: Database,
}

impl Db {
    /// Returns the connections for single statements that may write.
    pub(in crate::store) fn writer(&self) -> &Database {
        &self.writer
    }

    /// Returns the connections for single statements that only read.
    pub(in crate::store) fn reader(&self) -> &Database {
        &self.reader
    }

    pub(in crate::store) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Begins a transaction that may write.
    pub(in crate::store) async fn begin(&self) -> Result<StoreTransaction> {
        Ok(match &self.writer {
            Database::Sqlite(writer) => {
                StoreTransaction::Sqlite(writer.begin(BeginMode::Write).await?)
            }
            Database::Postgres(pool) => StoreTransaction::Postgres(
                pool.begin_detached(TransactionOptions::default()).await?,
            ),
        })
    }

    /// Begins a read-only transaction on one snapshot.
    pub(in crate::store) async fn snapshot(&self) -> Result<StoreTransaction> {
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        };
        Ok(match &self.reader {
            Database::Sqlite(reader) => {
                StoreTransaction::Sqlite(reader.begin(BeginMode::Read).await?)
            }
            Database::Postgres(pool) => {
                StoreTransaction::Postgres(pool.begin_detached(options).await?)
            }
        })
    }

    /// Checks that the database answers.
    pub(in crate::store) async fn ping(&self) -> Result<()> {
        Ok(self.reader.execute_unprepared("SELECT 1").await.map(drop)?)
    }

    /// Waits for running statements, then closes every connection.
    pub(in crate::store) async fn close(self) {
        for pool in [self.reader, self.writer] {
            if let Err(error) = pool.close().await {
                tracing::warn!(%error, "can't close the database");
            }
        }
    }
}

/// Converts a row limit to a bind value.
pub(in crate::store) fn limit_value(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}
