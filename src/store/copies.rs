//! Copies of the embedded database: making one while it is in use, looking
//! whether a file is one, and readying one to take a database's place.

use std::path::{Path, PathBuf};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbErr, Statement};

use super::doctor::{Finding, damage, of_schema};
use super::epoch::Epoch;
use super::{Result, Store};
use crate::config::DatabaseUrl;

/// How much is in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    pub people: i64,
    pub conversations: i64,
    pub messages: i64,
}

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// A whole database of ours, also one of an earlier version.
    Whole(Contents),
    /// Something else: why, in one line.
    Unfit(String),
}

impl Store {
    /// Copies the embedded database, as it stands at this moment, into a file
    /// that is empty. Who writes to it meanwhile isn't kept waiting.
    ///
    /// # Errors
    /// Where the file can't be written; `Internal` on PostgreSQL.
    pub async fn copy_into(&self, file: &Path) -> Result<()> {
        // It never was a text of ours: a path that is none is refused by SQLite.
        let name = file.to_string_lossy().into_owned();
        let statement =
            Statement::from_sql_and_values(self.backend(), "VACUUM INTO $1", [name.into()]);
        Ok(self.writer.execute_raw(statement).await.map(drop)?)
    }

    /// How much is in it.
    ///
    /// # Errors
    /// `Internal` where it has no schema of ours.
    pub async fn contents(&self) -> Result<Contents> {
        contents(&self.reader).await
    }
}

/// Looks through a file, page by page, without changing it or putting
/// anything beside it.
///
/// # Errors
/// Where it can't be read at all.
pub async fn look_at(file: &Path) -> Result<Looked> {
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
    let looked = examine(&db).await;
    db.close().await?;
    looked
}

async fn examine(db: &impl ConnectionTrait) -> Result<Looked> {
    let unfit = |found: &[Finding]| found.first().map(|first| Looked::Unfit(first.line.clone()));
    if let Some(unfit) = unfit(&damage(db).await?) {
        return Ok(unfit);
    }
    let mut schema = of_schema(db).await?;
    // What is missing is made good when it is opened.
    schema.retain(|finding| finding.line.contains("unknown"));
    if let Some(unfit) = unfit(&schema) {
        return Ok(unfit);
    }
    Ok(match contents(db).await {
        Ok(contents) => Looked::Whole(contents),
        Err(_) => Looked::Unfit("there is no database of tidings in it".to_owned()),
    })
}

async fn contents(db: &impl ConnectionTrait) -> Result<Contents> {
    let sql = "SELECT (SELECT COUNT(*) FROM \"user\"), (SELECT COUNT(*) FROM conversation), \
               (SELECT COUNT(*) FROM message)";
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("a count".to_owned()))?;
    Ok(Contents {
        people: row.try_get_by_index(0)?,
        conversations: row.try_get_by_index(1)?,
        messages: row.try_get_by_index(2)?,
    })
}

/// Readies a copy to be served from: its schema is brought up to date, nobody
/// is online in it, and its epoch is a new one, which is answered.
///
/// # Errors
/// Where a step fails.
pub async fn make_ready(file: &Path) -> Result<Epoch> {
    let store = Store::open(&DatabaseUrl::Sqlite(file.to_owned())).await?;
    let done = async {
        store.migrate().await?;
        store.leave_nobody_online().await?;
        store.begin_epoch().await
    };
    let done = done.await;
    // What is in its log goes into the file with the last connection.
    store.close().await;
    done
}

/// The file that SQLite puts beside a database that is in use: what was
/// written and isn't in the database itself yet.
#[must_use]
pub fn log_of(database: &Path) -> PathBuf {
    beside(database, "-wal")
}

/// A database's name with something after it.
#[must_use]
pub fn beside(database: &Path, end: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(end);
    name.into()
}
