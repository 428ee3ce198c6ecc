//! Backups of the embedded database: copying it while it is in use, checking
//! whether a file is a database, and preparing a copy for restore.

use std::path::{Path, PathBuf};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbErr, Statement};

use super::MaintenanceRepository;
use super::doctor::{DoctorFinding, check_schema, find_damage};
use super::epoch::DatabaseEpoch;
use crate::config::DatabaseUrl;
use crate::store::db::{Db, Result};
use crate::store::presence::PresenceRepository;

/// The number of rows in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseContents {
    pub people: i64,
    pub conversations: i64,
    pub messages: i64,
}

/// The result of inspecting a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileInspection {
    /// An intact Tidings database, of this or an earlier version.
    Valid(DatabaseContents),
    /// Anything else, with the reason in one line.
    Invalid(String),
}

impl MaintenanceRepository<'_> {
    /// Copies the embedded database at this moment into an empty file. Writers
    /// are not delayed.
    ///
    /// # Errors
    /// If the file can't be written; `Internal` on PostgreSQL.
    pub async fn back_up_to(self, file: &Path) -> Result<()> {
        // SQLite refuses a path that isn't valid UTF-8.
        let name = file.to_string_lossy().into_owned();
        let statement =
            Statement::from_sql_and_values(self.db.backend(), "VACUUM INTO $1", [name.into()]);
        Ok(self.db.writer().execute_raw(statement).await.map(drop)?)
    }

    /// Returns the number of rows.
    ///
    /// # Errors
    /// `Internal` if the schema is not that of Tidings.
    pub async fn count_contents(self) -> Result<DatabaseContents> {
        query_contents(self.db.reader()).await
    }
}

/// Checks all pages of a file without changing it or creating files beside it.
///
/// # Errors
/// If it can't be read at all.
pub async fn inspect_file(file: &Path) -> Result<FileInspection> {
    let path = file.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .in_memory(false)
            .shared_cache(false)
            .filename(&path)
            .read_only(true)
            .immutable(true)
    });
    let db = Database::connect(options).await?;
    let looked = inspect_database(&db).await;
    db.close().await?;
    looked
}

async fn inspect_database(db: &impl ConnectionTrait) -> Result<FileInspection> {
    let invalid = |found: &[DoctorFinding]| {
        found
            .first()
            .map(|first| FileInspection::Invalid(first.line.clone()))
    };
    if let Some(invalid) = invalid(&find_damage(db).await?) {
        return Ok(invalid);
    }
    let mut schema = check_schema(db).await?;
    // Missing migrations are no fault, because they run when the database is
    // opened.
    schema.retain(|finding| finding.line.contains("unknown"));
    if let Some(invalid) = invalid(&schema) {
        return Ok(invalid);
    }
    Ok(match query_contents(db).await {
        Ok(contents) => FileInspection::Valid(contents),
        Err(_) => FileInspection::Invalid("it contains no database of Tidings".to_owned()),
    })
}

async fn query_contents(db: &impl ConnectionTrait) -> Result<DatabaseContents> {
    let sql = "SELECT (SELECT COUNT(*) FROM \"user\"), (SELECT COUNT(*) FROM conversation), \
               (SELECT COUNT(*) FROM message)";
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("a count".to_owned()))?;
    Ok(DatabaseContents {
        people: row.try_get_by_index(0)?,
        conversations: row.try_get_by_index(1)?,
        messages: row.try_get_by_index(2)?,
    })
}

/// Prepares a copy for serving: migrates its schema, sets all users offline and
/// begins a new epoch, which is returned.
///
/// # Errors
/// If a step fails.
pub async fn prepare_restore(file: &Path) -> Result<DatabaseEpoch> {
    let db = Db::open(&DatabaseUrl::Sqlite(file.to_owned()), None).await?;
    let done = async {
        let maintenance = MaintenanceRepository::new(&db);
        maintenance.migrate().await?;
        PresenceRepository::new(&db).settle_online_users().await?;
        maintenance.begin_epoch().await
    };
    let done = done.await;
    // Closing the last connection moves the write-ahead log into the file.
    db.close().await;
    done
}

/// Returns the path of SQLite's write-ahead log, which holds committed pages
/// that aren't in the database file yet.
#[must_use]
pub fn wal_path(database: &Path) -> PathBuf {
    sibling_path(database, "-wal")
}

/// Appends a suffix to a database's path.
#[must_use]
pub fn sibling_path(database: &Path, end: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(end);
    name.into()
}
