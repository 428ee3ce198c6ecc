//! Opening, migrating and closing the database, and the lock that keeps a
//! second server away from its folder.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr, RuntimeErr};

use super::alone::lock_to_migrate;
use super::database::Database;
use super::postgres::PostgresPool;
use super::sqlite::{Connections, SqliteProbe};
use super::{Result, Store, copies};
use crate::config::DatabaseUrl;

/// Connections that read SQLite: no more than cores are of use.
const SQLITE_READERS: usize = 2;
/// Rows that SQLite's threads may be ahead of who reads them.
const ROWS_BUFFERED: usize = 512;
/// PostgreSQL's one pool.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a question waits for a connection before it is answered
/// `unavailable`.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements without their values, which are people's words; and only for who
/// asks for them by name.
const STATEMENTS_LOGGED_AT: LevelFilter = LevelFilter::Trace;
/// How long a write waits for another process's lock.
const SQLITE_PATIENCE: Duration = Duration::from_secs(5);
/// How long PostgreSQL waits for somebody else's lock, and works on one
/// statement, before that is answered `unavailable`: what waits for it is
/// everything that anybody sends.
const POSTGRES_PATIENCE: [(&str, &str); 2] = [("lock_timeout", "5s"), ("statement_timeout", "30s")];

impl Store {
    /// Opens the database, making the SQLite file where there is none.
    ///
    /// # Errors
    /// `Unavailable` where it can't be reached.
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        Self::open_probed(url, None).await
    }

    /// Opens the database; what SQLite does is counted from then on.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_probed(url: &DatabaseUrl, probe: Option<Arc<SqliteProbe>>) -> Result<Self> {
        let (writer, reader) = match url {
            DatabaseUrl::Sqlite(path) => {
                own_file(path)
                    .map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))?;
                let writer = Connections::open(sqlite(path, May::Write), probe.clone(), 1).await?;
                let reader = sqlite(path, May::OnlyRead);
                let reader = Connections::open(reader, probe, SQLITE_READERS).await?;
                (Database::Sqlite(writer), Database::Sqlite(reader))
            }
            DatabaseUrl::Postgres(url) => {
                let pool = PostgresPool::new(postgres(url).await?, POSTGRES_CONNECTIONS);
                (Database::Postgres(pool.clone()), Database::Postgres(pool))
            }
        };
        let memory = matches!(writer, Database::Sqlite(_)).then(Arc::default);
        Ok(Self {
            writer,
            reader,
            ids: Arc::default(),
            asked: Arc::default(),
            memory,
        })
    }

    /// Opens the database only to be looked at: nothing in it is changed, and
    /// it may be one that can't be written.
    ///
    /// # Errors
    /// `Unavailable` where it isn't there or can't be reached.
    pub async fn open_to_look(url: &DatabaseUrl) -> Result<Self> {
        let DatabaseUrl::Sqlite(path) = url else {
            return Self::open(url).await;
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            // Nothing is put beside one that nobody has in use. Where
            // somebody has, what they wrote stands in its log.
            .immutable(!copies::log_of(path).exists())
            .busy_timeout(SQLITE_PATIENCE)
            .pragma("temp_store", "MEMORY")
            .pragma("query_only", "ON")
            .log_statements(STATEMENTS_LOGGED_AT);
        let reader = Database::Sqlite(Connections::open(options, None, SQLITE_READERS).await?);
        Ok(Self {
            writer: reader.clone(),
            reader,
            ids: Arc::default(),
            asked: Arc::default(),
            memory: None,
        })
    }

    /// Brings the schema up to date. Two processes that do so at once take
    /// turns.
    ///
    /// # Errors
    /// `Internal` where a step fails; it is rolled back.
    pub async fn migrate(&self) -> Result<()> {
        // By a connection of its own: on PostgreSQL that has the lock, and a
        // step may take its time there.
        let writer = match &self.writer {
            Database::Sqlite(connections) => connections.for_sea_orm().await?,
            Database::Postgres(pool) => lock_to_migrate(pool.connection()).await?,
        };
        // With none missing nothing is done: the migrator would log even that,
        // before the one line of a command's answer.
        let done = match self.is_migrated().await {
            Ok(false) => Ok(Migrator::up(&writer, None).await?),
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        // Closing the connection gives the lock back, however it went.
        writer.close().await?;
        done
    }

    /// Whether the schema is up to date.
    pub async fn is_migrated(&self) -> Result<bool> {
        let pending = Migrator::get_pending_migrations_read_only(&self.reader).await?;
        Ok(pending.is_empty())
    }

    /// Lets what is under way finish, then closes every connection.
    pub async fn close(self) {
        for pool in [self.reader, self.writer] {
            if let Err(error) = pool.close().await {
                tracing::warn!(%error, "could not close the database");
            }
        }
    }
}

async fn postgres(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging_level(STATEMENTS_LOGGED_AT)
        .map_sqlx_postgres_opts(|postgres| postgres.options(POSTGRES_PATIENCE));
    Ok(sea_orm::Database::connect(options).await?)
}

/// Makes the file for its owner alone where there is none. SQLite gives the
/// files that it puts beside it the same mode.
fn own_file(path: &Path) -> std::io::Result<()> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// What a connection is for.
#[derive(Clone, Copy)]
enum May {
    Write,
    OnlyRead,
}

impl May {
    fn query_only(self) -> &'static str {
        match self {
            Self::Write => "OFF",
            Self::OnlyRead => "ON",
        }
    }
}

/// WAL, so that readers never wait for the writer; `synchronous=FULL`, since
/// an acknowledged message survives a power cut.
fn sqlite(path: &Path, may: May) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(SQLITE_PATIENCE)
        // A page of history in one go: with less room, the thread that
        // reads it waits for who asked, row by row.
        .row_buffer_size(ROWS_BUFFERED)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Statements' journals of a large batch, else a file each.
        .pragma("temp_store", "MEMORY")
        // A text that was withdrawn doesn't stay behind in a free page.
        .pragma("secure_delete", "ON")
        .pragma("query_only", may.query_only())
        .log_statements(STATEMENTS_LOGGED_AT)
}

/// Holds a data folder for one server: the lock goes with this, or with the
/// process, however that ends.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Locks `folder`.
    ///
    /// # Errors
    /// None where another process holds it; else what the system said.
    pub fn take(folder: &Path) -> std::io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("tidings.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for FolderLock {
    /// Closing the file isn't enough: the lock is the open file's, which a
    /// child has too that was forked meanwhile, until it runs its own program.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "could not give the data folder's lock back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_goes_with_its_owner_also_where_a_child_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap().unwrap();
        assert!(FolderLock::take(folder.path()).unwrap().is_none());
        let of_a_child = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(FolderLock::take(folder.path()).unwrap().is_some());
        drop(of_a_child);
    }
}
