//! Opening the database: the options of connections, and their limits.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr, RuntimeErr};

use crate::config::DatabaseUrl;
use crate::store::db::database::Database;
use crate::store::db::error::Result;
use crate::store::db::postgres::PostgresPool;
use crate::store::db::sqlite::{SqliteConnections, SqliteProbe};
use crate::store::db::{ACQUIRE_TIMEOUT, Db};

/// SQLite connections for reading. More connections than processor cores are of
/// no use.
const SQLITE_READERS: usize = 2;
/// The number of rows that SQLite's thread may read ahead.
const ROWS_BUFFERED: usize = 512;
/// Connections of the PostgreSQL pool.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Statements are logged only at this level, and without values, which are
/// personal data.
const STATEMENTS_LOGGED_AT: LevelFilter = LevelFilter::Trace;
/// The time that a write waits for another process's lock.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limits for a lock and for a statement on PostgreSQL. After that the
/// statement fails with `unavailable`, because all sends wait behind it.
const POSTGRES_TIMEOUTS: [(&str, &str); 2] = [("lock_timeout", "5s"), ("statement_timeout", "30s")];

impl Db {
    /// Opens the database, creating the SQLite file if needed. A probe counts
    /// SQLite's work.
    pub(in crate::store) async fn open(
        url: &DatabaseUrl,
        probe: Option<Arc<SqliteProbe>>,
    ) -> Result<Self> {
        match url {
            DatabaseUrl::Sqlite(path) => {
                create_private_file(path)
                    .map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))?;
                let writer = SqliteConnections::open(
                    sqlite_options(path, SqliteAccessMode::ReadWrite),
                    probe.clone(),
                    1,
                )
                .await?;
                let reader = sqlite_options(path, SqliteAccessMode::ReadOnly);
                let reader = SqliteConnections::open(reader, probe, SQLITE_READERS).await?;
                Ok(Self {
                    writer: Database::Sqlite(writer),
                    reader: Database::Sqlite(reader),
                })
            }
            DatabaseUrl::Postgres(url) => {
                let pool = PostgresPool::new(open_postgres(url).await?, POSTGRES_CONNECTIONS);
                Ok(Self {
                    writer: Database::Postgres(pool.clone()),
                    reader: Database::Postgres(pool),
                })
            }
        }
    }

    /// Opens a SQLite file read-only. `immutable` creates no files beside it,
    /// and requires that no process writes to it.
    pub(in crate::store) async fn open_sqlite_read_only(
        path: &Path,
        immutable: bool,
    ) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(immutable)
            .busy_timeout(SQLITE_BUSY_TIMEOUT)
            .pragma("temp_store", "MEMORY")
            .pragma("query_only", "ON")
            .log_statements(STATEMENTS_LOGGED_AT);
        let reader =
            Database::Sqlite(SqliteConnections::open(options, None, SQLITE_READERS).await?);
        Ok(Self {
            writer: reader.clone(),
            reader,
        })
    }
}

async fn open_postgres(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging_level(STATEMENTS_LOGGED_AT)
        .map_sqlx_postgres_opts(|postgres| postgres.options(POSTGRES_TIMEOUTS));
    Ok(sea_orm::Database::connect(options).await?)
}

/// Creates the file with access for its owner only, if it is missing. SQLite
/// creates the files beside it with the same mode.
fn create_private_file(path: &Path) -> std::io::Result<()> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// The access of a connection.
#[derive(Clone, Copy)]
enum SqliteAccessMode {
    ReadWrite,
    ReadOnly,
}

impl SqliteAccessMode {
    fn query_only(self) -> &'static str {
        match self {
            Self::ReadWrite => "OFF",
            Self::ReadOnly => "ON",
        }
    }
}

/// WAL, so that readers never wait for the writer; `synchronous=FULL`, so that
/// acknowledged messages survive a power failure.
fn sqlite_options(path: &Path, may: SqliteAccessMode) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(SQLITE_BUSY_TIMEOUT)
        // Room for a page of history. With less, the reading thread waits for
        // the consumer after each row.
        .row_buffer_size(ROWS_BUFFERED)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Keeps statement journals of large batches in memory, not in files.
        .pragma("temp_store", "MEMORY")
        // Overwrites the text of deleted messages in free pages.
        .pragma("secure_delete", "ON")
        .pragma("query_only", may.query_only())
        .log_statements(STATEMENTS_LOGGED_AT)
}
