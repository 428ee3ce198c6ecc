//! Migrations of the schema.

use migration::{Migrator, MigratorTrait};

use super::MaintenanceRepository;
use super::instance_lock::acquire_migrate_lock;
use crate::store::db::{Database, Result};

impl MaintenanceRepository<'_> {
    /// Migrates the schema. Concurrent processes migrate one after the other.
    ///
    /// # Errors
    /// `Internal` if a migration fails; it is rolled back.
    pub async fn migrate(self) -> Result<()> {
        // A connection of its own: on PostgreSQL it holds the lock, and
        // migrations have no timeout there.
        let writer = match self.db.writer() {
            Database::Sqlite(connections) => connections.open_sea_orm().await?,
            Database::Postgres(pool) => acquire_migrate_lock(pool.connection()).await?,
        };
        // Skip the migrator if there is nothing to do: it logs even that,
        // before the one-line answer of a command.
        let done = match self.has_current_schema().await {
            Ok(false) => Ok(Migrator::up(&writer, None).await?),
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        // Closing the connection releases the lock in any case.
        writer.close().await?;
        done
    }

    /// Returns whether the schema is up to date.
    pub async fn has_current_schema(self) -> Result<bool> {
        let pending = Migrator::get_pending_migrations_read_only(self.db.reader()).await?;
        Ok(pending.is_empty())
    }
}
