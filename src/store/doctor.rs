//! Whether what is stored is whole, and agrees with itself.
//!
//! All of it is read in one snapshot, so that a server may go on meanwhile.
//! Every check is one statement over whole tables: what it costs grows with
//! the tables, never with their product.

mod checks;

use std::collections::BTreeSet;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::{Result, Store, StoreError};
use checks::{CHECKS, unread, unread_deleted};

/// Of one kind of finding, this many are told each; the rest is a number.
const TOLD_EACH: u64 = 10;

/// One thing that isn't as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it, in a word or two.
    pub about: &'static str,
    /// What is wrong, in one line.
    pub line: String,
}

impl Finding {
    fn new(about: &'static str, line: impl Into<String>) -> Self {
        Self {
            about,
            line: line.into(),
        }
    }
}

impl Store {
    /// Looks whether all is well: none where it is. Nothing is changed.
    ///
    /// # Errors
    /// Where the database can't be asked.
    pub async fn examine(&self) -> Result<Vec<Finding>> {
        let schema = match of_schema(&self.reader).await {
            // It is no database, or what says what is in it is broken.
            Err(error @ StoreError::Internal(_)) => return told(Err(error)),
            schema => schema?,
        };
        let tx = self.snapshot().await?;
        take_time(&tx).await?;
        let mut found = damage(&tx).await?;
        // What an older or newer schema holds can't be judged.
        if schema.is_empty() && found.is_empty() {
            for (about, sql) in CHECKS {
                found.extend(told(check(&tx, about, sql).await)?);
            }
            for (about, sql) in [("unread", unread()), ("deleted", unread_deleted())] {
                found.extend(told(check(&tx, about, &sql).await)?);
            }
        }
        let ended = tx.commit().await;
        if found.is_empty() {
            // One that is broken may not even end a reading.
            ended?;
        }
        Ok([schema, found].concat())
    }
}

/// A statement over whole tables may take longer than those that somebody
/// waits for.
async fn take_time(tx: &impl ConnectionTrait) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL statement_timeout = 0")
            .await?;
    }
    Ok(())
}

/// Steps that weren't taken, and steps that nobody here knows.
pub(super) async fn of_schema(db: &impl ConnectionTrait) -> Result<Vec<Finding>> {
    let applied = applied(db).await?;
    let known = Migrator::migrations();
    let known: BTreeSet<String> = known.iter().map(|step| step.name().to_owned()).collect();
    let missing = known.difference(&applied).map(|step| {
        let line = format!("the step {step} was not taken: run 'tidings migrate'");
        Finding::new("schema", line)
    });
    let strange = applied.difference(&known).map(|step| {
        let line = format!("the step {step} is unknown: this tidings is older than the database");
        Finding::new("schema", line)
    });
    Ok(missing.chain(strange).collect())
}

async fn applied(db: &impl ConnectionTrait) -> Result<BTreeSet<String>> {
    let backend = db.get_database_backend();
    let statement = Statement::from_string(backend, "SELECT version FROM seaql_migrations");
    match db.query_all_raw(statement).await.map_err(StoreError::from) {
        Ok(rows) => {
            let names = rows.iter().map(|row| row.try_get_by_index(0));
            Ok(names.collect::<std::result::Result<_, DbErr>>()?)
        }
        Err(error) if is_no_table(&error) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// As SQLite and PostgreSQL say it.
fn is_no_table(error: &StoreError) -> bool {
    let reason = error.reason();
    matches!(error, StoreError::Internal(_))
        && (reason.contains("no such table") || reason.contains("does not exist"))
}

/// What is broken in the database itself: its pages and indexes, and rows that
/// name others that aren't there.
pub(super) async fn damage(db: &impl ConnectionTrait) -> Result<Vec<Finding>> {
    let found = told(pages(db).await)?;
    if found.is_empty() {
        return told(orphans(db).await);
    }
    Ok(found)
}

/// Damage that is met before it was looked for is a finding like any other.
fn told(found: Result<Vec<Finding>>) -> Result<Vec<Finding>> {
    match found {
        Err(error @ StoreError::Internal(_)) => Ok(vec![Finding::new("integrity", error.reason())]),
        found => found,
    }
}

async fn pages(db: &impl ConnectionTrait) -> Result<Vec<Finding>> {
    let rows = db
        .query_all_raw(integrity(db.get_database_backend()))
        .await?;
    let mut found = Vec::new();
    for row in &rows {
        let said: String = row.try_get_by_index(0)?;
        // SQLite begins with a heading, and may put several into one row.
        let lines = said.lines().filter(|line| !line.starts_with("***"));
        let lines = lines.filter(|line| *line != "ok");
        found.extend(lines.map(|line| Finding::new("integrity", line)));
    }
    Ok(found)
}

/// SQLite reads through its whole file. PostgreSQL looks after its own pages;
/// what it knows of is an index or a constraint that was never finished.
fn integrity(backend: DbBackend) -> Statement {
    let sql = match backend {
        DbBackend::Sqlite => "PRAGMA integrity_check(10)",
        _ => {
            "SELECT 'the index ' || indexrelid::regclass || ' is not valid' FROM pg_index \
             JOIN pg_class c ON c.oid = indrelid \
             WHERE NOT indisvalid AND c.relnamespace = current_schema()::regnamespace \
             UNION ALL SELECT 'the constraint ' || conname || ' is not validated' \
             FROM pg_constraint \
             WHERE NOT convalidated AND connamespace = current_schema()::regnamespace"
        }
    };
    Statement::from_string(backend, sql)
}

/// A column of one table that names rows of another.
struct Reference {
    table: String,
    column: String,
    named: String,
    key: String,
}

/// Rows that name rows that aren't there, by each foreign key of the schema.
async fn orphans(db: &impl ConnectionTrait) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for of in references(db).await? {
        let Reference {
            table,
            column,
            named,
            key,
        } = of;
        let sql = format!(
            "SELECT COUNT(*) FROM \"{table}\" t LEFT JOIN \"{named}\" n ON n.\"{key}\" = t.\"{column}\" \
             WHERE t.\"{column}\" IS NOT NULL AND n.\"{key}\" IS NULL"
        );
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let row = db.query_one_raw(statement).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        if count > 0 {
            let line = format!("{count} of {table} name a {named} by {column} that is not there");
            found.push(Finding::new("orphans", line));
        }
    }
    Ok(found)
}

async fn references(db: &impl ConnectionTrait) -> Result<Vec<Reference>> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            "SELECT m.name, f.\"from\", f.\"table\", f.\"to\" FROM sqlite_schema m, \
             pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1, 2"
        }
        _ => {
            "SELECT t.relname::text, a.attname::text, n.relname::text, k.attname::text \
             FROM pg_constraint c \
             JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class n ON n.oid = c.confrelid \
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1] \
             JOIN pg_attribute k ON k.attrelid = n.oid AND k.attnum = c.confkey[1] \
             WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace \
             ORDER BY 1, 2"
        }
    };
    let rows = db
        .query_all_raw(Statement::from_string(backend, sql))
        .await?;
    let references = rows.iter().map(|row| {
        Ok(Reference {
            table: row.try_get_by_index(0)?,
            column: row.try_get_by_index(1)?,
            named: row.try_get_by_index(2)?,
            key: row.try_get_by_index(3)?,
        })
    });
    Ok(references.collect::<std::result::Result<_, DbErr>>()?)
}

/// What a check finds: the first few, and how many more there are.
async fn check(db: &impl ConnectionTrait, about: &'static str, sql: &str) -> Result<Vec<Finding>> {
    let backend = db.get_database_backend();
    let sql = format!(
        "SELECT line, CAST(COUNT(*) OVER () AS BIGINT) FROM ({sql}) found LIMIT {TOLD_EACH}"
    );
    let rows = db
        .query_all_raw(Statement::from_string(backend, sql))
        .await?;
    let mut found = Vec::new();
    let mut total = 0;
    for row in &rows {
        total = row.try_get_by_index::<i64>(1)?;
        found.push(Finding::new(about, row.try_get_by_index::<String>(0)?));
    }
    let more = total - i64::try_from(found.len()).unwrap_or(i64::MAX);
    if more > 0 {
        found.push(Finding::new(about, format!("and {more} more like these")));
    }
    Ok(found)
}
