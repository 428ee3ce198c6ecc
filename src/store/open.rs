//! Opening, migrating and closing the database, and the locks that keep a
//! second server away from it.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr,
    Statement,
};

use super::{Result, Store, StoreError};
use crate::config::DatabaseUrl;
use crate::protocol::Code;

/// Connections that read SQLite: no more than cores are of use.
const SQLITE_READERS: u32 = 2;
/// PostgreSQL's one pool.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a question waits for a connection before it is answered
/// `unavailable`.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The advisory locks, by number: PostgreSQL has one space of them per
/// database, so they are far from what others might choose.
const SERVE_LOCK: i64 = 0x7469_6469_6e67_7301;
const MIGRATE_LOCK: i64 = 0x7469_6469_6e67_7302;

impl Store {
    /// Opens the database, making the SQLite file where there is none.
    ///
    /// # Errors
    /// `Unavailable` where it can't be reached.
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        let (writer, reader) = match url {
            DatabaseUrl::Sqlite(path) => {
                own_file(path)
                    .map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))?;
                let writer = sqlite(path, 1, false).await?;
                (writer, sqlite(path, SQLITE_READERS, true).await?)
            }
            DatabaseUrl::Postgres(url) => {
                let pool = Database::connect(options(url, POSTGRES_CONNECTIONS)).await?;
                (pool.clone(), pool)
            }
        };
        Ok(Self {
            writer,
            reader,
            ids: Arc::default(),
        })
    }

    /// Brings the schema up to date. Two processes that do so at once take
    /// turns.
    ///
    /// # Errors
    /// `Internal` where a step fails; it is rolled back.
    pub async fn migrate(&self) -> Result<()> {
        if self.backend() == DbBackend::Sqlite {
            return self.take_steps().await;
        }
        let guard = self.lock_connection().await?;
        guard
            .execute_raw(lock_statement("SELECT pg_advisory_lock($1)", MIGRATE_LOCK))
            .await?;
        let done = self.take_steps().await;
        // Closing the connection gives the lock back, however it went.
        guard.close().await?;
        done
    }

    /// Takes the steps that are missing. With none it does nothing: the
    /// migrator would log even that, before the one line of a command's answer.
    async fn take_steps(&self) -> Result<()> {
        if !self.is_migrated().await? {
            Migrator::up(&self.writer, None).await?;
        }
        Ok(())
    }

    /// Whether the schema is up to date.
    pub async fn is_migrated(&self) -> Result<bool> {
        let pending = Migrator::get_pending_migrations_read_only(&self.reader).await?;
        Ok(pending.is_empty())
    }

    /// Makes sure that no other server works on this PostgreSQL database.
    /// Dropping the answer gives the lock back. SQLite's lock is the folder's:
    /// see [`FolderLock`].
    ///
    /// # Errors
    /// `Conflict` where another holds it.
    pub async fn hold_alone(&self) -> Result<Option<DatabaseConnection>> {
        if self.backend() == DbBackend::Sqlite {
            return Ok(None);
        }
        let guard = self.lock_connection().await?;
        let row = guard
            .query_one_raw(lock_statement(
                "SELECT pg_try_advisory_lock($1)",
                SERVE_LOCK,
            ))
            .await?;
        match row.map(|row| row.try_get_by_index(0)).transpose()? {
            Some(true) => Ok(Some(guard)),
            _ => Err(StoreError::refused(
                Code::Conflict,
                "Another server is using this database.",
            )),
        }
    }

    /// Gives the lock of [`Store::hold_alone`] back, and waits until it is:
    /// whoever starts next finds it free. Of a connection that is only dropped
    /// PostgreSQL hears a little later.
    pub async fn let_others(&self, lock: DatabaseConnection) {
        let unlock = lock_statement("SELECT pg_advisory_unlock($1)", SERVE_LOCK);
        let done = match lock.execute_raw(unlock).await {
            Ok(_) => lock.close().await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "could not give the database's lock back");
        }
    }

    /// A connection of its own, since advisory locks belong to a connection.
    async fn lock_connection(&self) -> Result<DatabaseConnection> {
        let pool = self.writer.get_postgres_connection_pool();
        let options = pool.connect_options();
        let lock = sea_orm::sqlx::postgres::PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.as_ref().clone())
            .await
            .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
        Ok(sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(
            lock,
        ))
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

fn lock_statement(sql: &str, lock: i64) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, [lock.into()])
}

fn options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        // Statements without their values, which are people's words; and only
        // for who asks for them by name.
        .sqlx_logging_level(LevelFilter::Trace);
    options
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

/// WAL, so that readers never wait for the writer; `synchronous=FULL`, since
/// an acknowledged message survives a power cut.
async fn sqlite(path: &Path, connections: u32, only_reads: bool) -> Result<DatabaseConnection> {
    let mut options = options("sqlite::memory:", connections);
    let path = path.to_owned();
    options
        .min_connections(connections)
        .max_lifetime(None::<Duration>);
    options.idle_timeout(None::<Duration>);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .in_memory(false)
            .shared_cache(false)
            .filename(&path)
            .create_if_missing(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("foreign_keys", "ON")
            // Statements' journals of a large batch, else a file each.
            .pragma("temp_store", "MEMORY")
            // A text that was withdrawn doesn't stay behind in a free page.
            .pragma("secure_delete", "ON")
            .pragma("query_only", if only_reads { "ON" } else { "OFF" })
    });
    Ok(Database::connect(options).await?)
}

/// Holds a data folder for one server: the lock goes with the process,
/// however that ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
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
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
