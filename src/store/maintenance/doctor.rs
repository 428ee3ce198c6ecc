//! Consistency checks of the stored data.
//!
//! All checks read one snapshot, so that a server can run meanwhile. Each check
//! is one statement over whole tables: its cost grows with the tables, never
//! with their product.

mod checks;

use std::collections::BTreeSet;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::MaintenanceRepository;
use crate::store::db::{Result, StoreError};
use checks::{CHECKS, unread_deleted_sql, unread_sql};

/// The maximum number of lines per check; further findings are only counted.
const LINES_PER_CHECK: u64 = 10;

/// An inconsistency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorFinding {
    /// The short name of the check.
    pub about: &'static str,
    /// The description, in one line.
    pub line: String,
}

impl DoctorFinding {
    fn new(about: &'static str, line: impl Into<String>) -> Self {
        Self {
            about,
            line: line.into(),
        }
    }
}

impl MaintenanceRepository<'_> {
    /// Runs all checks and returns the findings. Changes nothing.
    ///
    /// # Errors
    /// If the database can't be queried.
    pub async fn run_doctor(self) -> Result<Vec<DoctorFinding>> {
        let schema = match check_schema(self.db.reader()).await {
            // The file is no database, or its schema table is damaged.
            Err(error @ StoreError::Internal(_)) => return finding_from_error(Err(error)),
            schema => schema?,
        };
        let tx = self.db.snapshot().await?;
        extend_timeout(&tx).await?;
        let mut found = find_damage(&tx).await?;
        // The checks only fit the present schema.
        if schema.is_empty() && found.is_empty() {
            for (about, sql) in CHECKS {
                found.extend(finding_from_error(run_check(&tx, about, sql).await)?);
            }
            for (about, sql) in [("unread", unread_sql()), ("deleted", unread_deleted_sql())] {
                found.extend(finding_from_error(run_check(&tx, about, &sql).await)?);
            }
        }
        let ended = tx.commit().await;
        if found.is_empty() {
            // A damaged database may fail even to end a read.
            ended?;
        }
        Ok([schema, found].concat())
    }
}

/// Removes the statement timeout: statements over whole tables take longer than
/// those of requests.
async fn extend_timeout(tx: &impl ConnectionTrait) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL statement_timeout = 0")
            .await?;
    }
    Ok(())
}

/// Returns migrations that are missing, and applied ones that are unknown.
pub(super) async fn check_schema(db: &impl ConnectionTrait) -> Result<Vec<DoctorFinding>> {
    let applied = applied_migrations(db).await?;
    let known = Migrator::migrations();
    let known: BTreeSet<String> = known.iter().map(|step| step.name().to_owned()).collect();
    let missing = known.difference(&applied).map(|step| {
        let line = format!("the migration {step} is missing: run 'tidings migrate'");
        DoctorFinding::new("schema", line)
    });
    let strange = applied.difference(&known).map(|step| {
        let line = format!(
            "the migration {step} is unknown: this version of Tidings is older \
                            than the database"
        );
        DoctorFinding::new("schema", line)
    });
    Ok(missing.chain(strange).collect())
}

async fn applied_migrations(db: &impl ConnectionTrait) -> Result<BTreeSet<String>> {
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

/// Returns whether an error says that a table is missing, in the words of
/// SQLite or PostgreSQL.
fn is_no_table(error: &StoreError) -> bool {
    let reason = error.reason();
    matches!(error, StoreError::Internal(_))
        && (reason.contains("no such table") || reason.contains("does not exist"))
}

/// Returns damage of the database itself: broken pages and indexes, and rows
/// that reference missing rows.
pub(super) async fn find_damage(db: &impl ConnectionTrait) -> Result<Vec<DoctorFinding>> {
    let found = finding_from_error(check_pages(db).await)?;
    if found.is_empty() {
        return finding_from_error(find_orphans(db).await);
    }
    Ok(found)
}

/// Turns an internal error into a finding, because damage may make a query
/// fail.
fn finding_from_error(found: Result<Vec<DoctorFinding>>) -> Result<Vec<DoctorFinding>> {
    match found {
        Err(error @ StoreError::Internal(_)) => {
            Ok(vec![DoctorFinding::new("integrity", error.reason())])
        }
        found => found,
    }
}

async fn check_pages(db: &impl ConnectionTrait) -> Result<Vec<DoctorFinding>> {
    let rows = db
        .query_all_raw(integrity_statement(db.get_database_backend()))
        .await?;
    let mut found = Vec::new();
    for row in &rows {
        let said: String = row.try_get_by_index(0)?;
        // SQLite begins with a heading, and may put several lines into one row.
        let lines = said.lines().filter(|line| !line.starts_with("***"));
        let lines = lines.filter(|line| *line != "ok");
        found.extend(lines.map(|line| DoctorFinding::new("integrity", line)));
    }
    Ok(found)
}

/// SQLite reads its whole file. PostgreSQL checks its pages itself; it only
/// reports indexes and constraints that were never completed.
fn integrity_statement(backend: DbBackend) -> Statement {
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

/// A foreign key column.
struct ForeignKeyColumn {
    table: String,
    column: String,
    named: String,
    key: String,
}

/// Returns the number of rows that reference missing rows, by each foreign key.
async fn find_orphans(db: &impl ConnectionTrait) -> Result<Vec<DoctorFinding>> {
    let mut found = Vec::new();
    for of in load_references(db).await? {
        let ForeignKeyColumn {
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
            let line = format!("{count} rows of {table} reference a missing {named} in {column}");
            found.push(DoctorFinding::new("orphans", line));
        }
    }
    Ok(found)
}

async fn load_references(db: &impl ConnectionTrait) -> Result<Vec<ForeignKeyColumn>> {
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
        Ok(ForeignKeyColumn {
            table: row.try_get_by_index(0)?,
            column: row.try_get_by_index(1)?,
            named: row.try_get_by_index(2)?,
            key: row.try_get_by_index(3)?,
        })
    });
    Ok(references.collect::<std::result::Result<_, DbErr>>()?)
}

/// Returns the first findings of a check, and the number of further ones.
async fn run_check(
    db: &impl ConnectionTrait,
    about: &'static str,
    sql: &str,
) -> Result<Vec<DoctorFinding>> {
    let backend = db.get_database_backend();
    let sql = format!(
        "SELECT line, CAST(COUNT(*) OVER () AS BIGINT) FROM ({sql}) found LIMIT {LINES_PER_CHECK}"
    );
    let rows = db
        .query_all_raw(Statement::from_string(backend, sql))
        .await?;
    let mut found = Vec::new();
    let mut total = 0;
    for row in &rows {
        total = row.try_get_by_index::<i64>(1)?;
        found.push(DoctorFinding::new(
            about,
            row.try_get_by_index::<String>(0)?,
        ));
    }
    let more = total - i64::try_from(found.len()).unwrap_or(i64::MAX);
    if more > 0 {
        found.push(DoctorFinding::new(
            about,
            format!("and {more} more like these"),
        ));
    }
    Ok(found)
}
