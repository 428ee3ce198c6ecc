//! Opening, migrating and closing the database, and the lock that keeps a
//! second server from using its data folder.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use migration::{Migrator, MigratorTrait};
use sea_orm::DbBackend;

use crate::config::DatabaseUrl;
use crate::store::db::{Database, Db, Result, SqliteProbe};
use crate::store::instance_lock::acquire_migrate_lock;
use crate::store::{Store, backup};

impl Store {
    /// Opens the database, creating the SQLite file if needed.
    ///
    /// # Errors
    /// `Unavailable` if it can't be reached.
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        Self::open_probed(url, None).await
    }

    /// Opens the database, with a probe that counts SQLite's work.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub async fn open_probed(url: &DatabaseUrl, probe: Option<Arc<SqliteProbe>>) -> Result<Self> {
        let db = Db::open(url, probe).await?;
        let cache = (db.backend() == DbBackend::Sqlite).then(Arc::default);
        Ok(Self {
            db,
            ids: Arc::default(),
            shared_reads: Arc::default(),
            conversation_cache: cache,
        })
    }

    /// Opens the database read-only. The file needs no write permission.
    ///
    /// # Errors
    /// `Unavailable` if it doesn't exist or can't be reached.
    pub async fn open_read_only(url: &DatabaseUrl) -> Result<Self> {
        let DatabaseUrl::Sqlite(path) = url else {
            return Self::open(url).await;
        };
        // Create no files beside a database that isn't in use. If it is in
        // use, recent writes are in its write-ahead log.
        let immutable = !backup::wal_path(path).exists();
        Ok(Self {
            db: Db::open_sqlite_read_only(path, immutable).await?,
            ids: Arc::default(),
            shared_reads: Arc::default(),
            conversation_cache: None,
        })
    }

    /// Migrates the schema. Concurrent processes migrate one after the other.
    ///
    /// # Errors
    /// `Internal` if a migration fails; it is rolled back.
    pub async fn migrate(&self) -> Result<()> {
        // A connection of its own: on PostgreSQL it holds the lock, and
        // migrations have no timeout there.
        let writer = match self.db.writer() {
            Database::Sqlite(connections) => connections.open_sea_orm().await?,
            Database::Postgres(pool) => acquire_migrate_lock(pool.connection()).await?,
        };
        // Skip the migrator if there is nothing to do: it logs even that,
        // before the one-line answer of a command.
        let done = match self.is_migrated().await {
            Ok(false) => Ok(Migrator::up(&writer, None).await?),
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        // Closing the connection releases the lock in any case.
        writer.close().await?;
        done
    }

    /// Returns whether the schema is up to date.
    pub async fn is_migrated(&self) -> Result<bool> {
        let pending = Migrator::get_pending_migrations_read_only(self.db.reader()).await?;
        Ok(pending.is_empty())
    }

    /// Waits for running statements, then closes every connection.
    pub async fn close(self) {
        self.db.close().await;
    }
}

/// Reserves a data folder for one server. The lock ends with this value or with
/// the process.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Tries to lock `folder`; none if another process holds the lock.
    ///
    /// # Errors
    /// The error of the system.
    pub fn try_acquire(folder: &Path) -> std::io::Result<Option<Self>> {
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
    /// Releases the lock. Closing the file isn't enough: the lock belongs to
    /// the open file, which a forked child shares until it executes its own
    /// program.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "can't release the lock of the data folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_ends_despite_child_with_file() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::try_acquire(folder.path()).unwrap().unwrap();
        assert!(FolderLock::try_acquire(folder.path()).unwrap().is_none());
        let of_a_child = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(FolderLock::try_acquire(folder.path()).unwrap().is_some());
        drop(of_a_child);
    }
}
