//! PostgreSQL's advisory locks: one server at a time, one migration at a time.
//!
//! An advisory lock belongs to a connection and ends with it: by a restart of
//! PostgreSQL, a terminated backend or a network failure. So the server checks
//! the lock regularly, and takes it again if it was lost.

use std::time::Duration;

use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector,
    Statement,
};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::MaintenanceRepository;
use crate::protocol::ErrorCode;
use crate::store::db::{ACQUIRE_TIMEOUT, Database, Result, StoreError};

/// The keys of the advisory locks. PostgreSQL has one key space per database,
/// so they are far from keys that other programs may use.
const SERVE_LOCK: i64 = 0x7469_6469_6e67_7301;
const MIGRATE_LOCK: i64 = 0x7469_6469_6e67_7302;

/// Options of a lock's connection. Migrations wait for each other and run
/// without a timeout. If a client machine vanishes, TCP keepalives make
/// PostgreSQL notice within half a minute instead of hours, and release its
/// lock.
const LOCK_OPTIONS: [(&str, &str); 5] = [
    ("lock_timeout", "0"),
    ("statement_timeout", "0"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
];

/// Keeps a second server from using a PostgreSQL database.
pub struct ServeLock {
    /// A pool of one connection, which is replaced if it is lost.
    connection: DatabaseConnection,
}

impl MaintenanceRepository<'_> {
    /// Takes the lock of the only server on this PostgreSQL database. On
    /// SQLite, [`super::FolderLock`] is the lock.
    ///
    /// # Errors
    /// `Conflict` if another server has it.
    pub async fn acquire_serve_lock(self) -> Result<Option<ServeLock>> {
        let Database::Postgres(pool) = self.db.writer() else {
            return Ok(None);
        };
        let lock = ServeLock {
            connection: open_lock_connection(pool.connection()).await?,
        };
        if lock.try_acquire().await? {
            return Ok(Some(lock));
        }
        Err(StoreError::refused(
            ErrorCode::Conflict,
            "Another server is using this database.",
        ))
    }
}

/// Waits for the migration lock and returns the connection that holds it.
/// Closing the connection releases the lock.
pub(super) async fn acquire_migrate_lock(pool: &DatabaseConnection) -> Result<DatabaseConnection> {
    let connection = open_lock_connection(pool).await?;
    let lock = lock_statement("SELECT pg_advisory_lock($1)", MIGRATE_LOCK);
    connection.execute_raw(lock).await?;
    Ok(connection)
}

/// Opens a connection of its own, because advisory locks belong to a
/// connection.
async fn open_lock_connection(pool: &DatabaseConnection) -> Result<DatabaseConnection> {
    let pool = pool.get_postgres_connection_pool();
    let options = pool.connect_options().as_ref().clone();
    let lock = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.options(LOCK_OPTIONS))
        .await
        .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(lock))
}

impl ServeLock {
    /// Takes the lock, or confirms that this connection holds it.
    async fn try_acquire(&self) -> Result<bool> {
        let take = lock_statement("SELECT pg_try_advisory_lock($1)", SERVE_LOCK);
        let row = self.connection.query_one_raw(take).await?;
        let taken = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(taken == Some(true))
    }

    /// Checks every `every` whether the lock is still held, and takes it again
    /// if its connection was lost. Returns when another holder has had it for
    /// `patience`. Before that, the other holder may be the server's own lost
    /// connection, which PostgreSQL has not closed yet. While the database is
    /// down, no other server can take the lock.
    pub async fn wait_until_lost(&self, every: Duration, patience: Duration) {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut elsewhere_since = None;
        let mut was_well = true;
        loop {
            looks.tick().await;
            let found = timeout(ACQUIRE_TIMEOUT, self.try_acquire()).await;
            match found {
                Ok(Ok(true)) => {
                    if !was_well {
                        tracing::info!("the lock of the database is held again");
                    }
                    (was_well, elsewhere_since) = (true, None);
                }
                Ok(Ok(false)) => {
                    let since: Instant = *elsewhere_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= patience {
                        return;
                    }
                    if std::mem::take(&mut was_well) {
                        tracing::warn!("another process holds the lock of the database");
                    }
                }
                // The next query that fails logs the cause.
                Ok(Err(_)) | Err(_) => {
                    if std::mem::take(&mut was_well) {
                        tracing::warn!("can't check the lock of the database");
                    }
                }
            }
        }
    }

    /// Releases the lock and waits until it is free for the next server. If the
    /// connection were only dropped, PostgreSQL would release the lock later.
    pub async fn release(self) {
        // An advisory lock is released only after as many unlocks as locks.
        let unlock = self
            .connection
            .execute_unprepared("SELECT pg_advisory_unlock_all()");
        let done = match unlock.await {
            Ok(_) => self.connection.close().await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "can't release the lock of the database");
        }
    }
}

fn lock_statement(sql: &str, lock: i64) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, [lock.into()])
}
