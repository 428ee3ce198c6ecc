//! PostgreSQL's advisory locks: one server at a time, one migration at a time.
//!
//! Such a lock belongs to a connection and goes with it: when PostgreSQL is
//! restarted, when somebody ends the connection, when the network does. So
//! whoever serves looks again and again, and takes it anew.

use std::time::Duration;

use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector,
    Statement,
};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::database::Database;
use super::open::ACQUIRE_TIMEOUT;
use super::{Result, Store, StoreError};
use crate::protocol::Code;

/// The advisory locks, by number: PostgreSQL has one space of them per
/// database, so they are far from what others might choose.
const SERVE_LOCK: i64 = 0x7469_6469_6e67_7301;
const MIGRATE_LOCK: i64 = 0x7469_6469_6e67_7302;

/// What holds for a lock's connection: migrations wait for each other, and
/// work, as long as it takes; and where a machine is gone without a word,
/// PostgreSQL hears of that in half a minute instead of hours, and gives its
/// lock to the next.
const LOCK_OPTIONS: [(&str, &str); 5] = [
    ("lock_timeout", "0"),
    ("statement_timeout", "0"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
];

/// Keeps a second server away from a PostgreSQL database.
pub struct ServeLock {
    /// A pool of one: where that connection is lost, it makes another.
    connection: DatabaseConnection,
}

impl Store {
    /// Makes sure that no other server works on this PostgreSQL database.
    /// SQLite's lock is the folder's: see [`super::FolderLock`].
    ///
    /// # Errors
    /// `Conflict` where another holds it.
    pub async fn hold_alone(&self) -> Result<Option<ServeLock>> {
        let Database::Postgres(pool) = &self.writer else {
            return Ok(None);
        };
        let lock = ServeLock {
            connection: lock_connection(pool.connection()).await?,
        };
        if lock.take().await? {
            return Ok(Some(lock));
        }
        Err(StoreError::refused(
            Code::Conflict,
            "Another server is using this database.",
        ))
    }
}

/// A connection that alone may migrate, once it is its turn; closing it lets
/// the next one.
pub(super) async fn lock_to_migrate(pool: &DatabaseConnection) -> Result<DatabaseConnection> {
    let connection = lock_connection(pool).await?;
    let lock = statement("SELECT pg_advisory_lock($1)", MIGRATE_LOCK);
    connection.execute_raw(lock).await?;
    Ok(connection)
}

/// A connection of its own, since advisory locks belong to a connection.
async fn lock_connection(pool: &DatabaseConnection) -> Result<DatabaseConnection> {
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
    /// Takes the lock, or finds it held by this very connection.
    async fn take(&self) -> Result<bool> {
        let take = statement("SELECT pg_try_advisory_lock($1)", SERVE_LOCK);
        let row = self.connection.query_one_raw(take).await?;
        let taken = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(taken == Some(true))
    }

    /// Looks `every` so often whether the lock is held still, and takes it
    /// anew where its connection was lost; returns when somebody else has had
    /// it for `patience`. That long, it may be what is left of the lost
    /// connection. While the database is away nobody else can have it.
    pub async fn lost(&self, every: Duration, patience: Duration) {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut elsewhere_since = None;
        let mut was_well = true;
        loop {
            looks.tick().await;
            let found = timeout(ACQUIRE_TIMEOUT, self.take()).await;
            match found {
                Ok(Ok(true)) => {
                    if !was_well {
                        tracing::info!("the database's lock is held again");
                    }
                    (was_well, elsewhere_since) = (true, None);
                }
                Ok(Ok(false)) => {
                    let since: Instant = *elsewhere_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= patience {
                        return;
                    }
                    if std::mem::take(&mut was_well) {
                        tracing::warn!("somebody else holds the database's lock");
                    }
                }
                // Who asks for something hears, and logs, why.
                Ok(Err(_)) | Err(_) => {
                    if std::mem::take(&mut was_well) {
                        tracing::warn!("can't look whether the database's lock is held");
                    }
                }
            }
        }
    }

    /// Gives the lock back, and waits until it is: whoever starts next finds
    /// it free. Of a connection that is only dropped PostgreSQL hears a little
    /// later.
    pub async fn let_others(self) {
        // As often as it was taken.
        let unlock = self
            .connection
            .execute_unprepared("SELECT pg_advisory_unlock_all()");
        let done = match unlock.await {
            Ok(_) => self.connection.close().await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "could not give the database's lock back");
        }
    }
}

fn statement(sql: &str, lock: i64) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, [lock.into()])
}
