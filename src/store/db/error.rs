//! Errors of the store.
//!
//! Callers see five kinds. `Unavailable`: the database can't be reached or
//! can't write now; retry. `Unsure`: it failed during a commit; retry, and
//! check whether the first attempt was written. `Outdated`: a write depended on
//! rows that have changed since; read them and retry. `Internal`: it rejected a
//! valid statement, which is a bug. `Refused`: the requested thing doesn't exist
//! or isn't allowed, with the problem's code; this is an answer, not a failure.

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr, SqlxError};

use crate::protocol::{ErrorCode, Problem};
use crate::telemetry::{LimitedLine, admit_line};

/// The result of the store's functions.
pub type Result<T> = std::result::Result<T, StoreError>;

/// An error of a store function.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, is locked, full or read-only.
    #[error("the database is unavailable: {0}")]
    Unavailable(DbErr),
    /// The database failed during a commit: the changes may be on disk.
    #[error("the database failed amid a commit: {0}")]
    Unsure(DbErr),
    /// A conditional write found other rows than those it was planned from.
    /// Nothing was written.
    #[error("the rows of a write are out of date: {0}")]
    Outdated(DbErr),
    /// The database rejected a statement that should be valid.
    #[error("the database failed: {0}")]
    Internal(DbErr),
    /// The request can't be fulfilled; the problem is for the client.
    #[error(transparent)]
    Refused(#[from] Problem),
}

impl StoreError {
    pub(in crate::store) fn not_found() -> Self {
        Self::Refused(Problem::not_found())
    }

    pub(in crate::store) fn refused(code: ErrorCode, detail: &'static str) -> Self {
        Self::Refused(Problem::new(code, detail))
    }

    /// Returns the message of the database or the system, without the layers in
    /// between, for one line at the command line.
    #[must_use]
    pub fn reason(&self) -> String {
        let in_time = || "it didn’t answer in time".to_owned();
        let (Self::Unavailable(error)
        | Self::Unsure(error)
        | Self::Outdated(error)
        | Self::Internal(error)) = self
        else {
            return self.to_string();
        };
        match error {
            DbErr::ConnectionAcquire(_) => in_time(),
            DbErr::Conn(RuntimeErr::Internal(text)) => text.clone(),
            DbErr::Conn(RuntimeErr::SqlxError(inner))
            | DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner)) => match &**inner {
                SqlxError::Database(database) => database.message().replace('\n', " "),
                SqlxError::PoolTimedOut => in_time(),
                SqlxError::Io(error) => error.to_string(),
                other => other.to_string(),
            },
            other => other.to_string(),
        }
    }
}

impl StoreError {
    /// Creates the error of a failed commit. Nothing was written only if the
    /// database reports a rollback.
    pub(in crate::store) fn from_commit(error: DbErr) -> Self {
        match Self::from(error) {
            Self::Unavailable(error) if !is_rolled_back(&error) => Self::Unsure(error),
            error => error,
        }
    }

    /// Turns a fault that follows the commit into `Unsure`: a caller that took
    /// it for a rollback would write everything again.
    pub(in crate::store) fn after_commit(self) -> Self {
        match self {
            Self::Internal(error) => Self::Unsure(error),
            error => error,
        }
    }

    /// Turns the violation of one of these constraints into `Outdated`, for a
    /// write that uses them as conditions. A constraint is the list of its
    /// columns, as SQLite names them.
    pub(in crate::store) fn outdated_if_violated(self, conditions: &[&str]) -> Self {
        match self {
            Self::Internal(error) if violates(&error, conditions) => Self::Outdated(error),
            error => error,
        }
    }

    /// Returns whether PostgreSQL rolled the transaction back because of a
    /// conflict (class 40). Nothing was written, so a retry is right.
    pub(crate) fn is_rolled_back(&self) -> bool {
        matches!(self, Self::Unavailable(error) if is_rolled_back(error))
    }
}

/// Returns whether a write violated one of these constraints.
fn violates(error: &DbErr, constraints: &[&str]) -> bool {
    let text = database_error(error).map_or("", DatabaseError::message);
    let columns = text.split_once(" constraint failed: ");
    columns.is_some_and(|(_, columns)| constraints.contains(&columns))
}

fn database_error(error: &DbErr) -> Option<&dyn DatabaseError> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
            inner.as_database_error()
        }
        _ => None,
    }
}

fn is_rolled_back(error: &DbErr) -> bool {
    let code = database_error(error).and_then(DatabaseError::code);
    code.is_some_and(|code| code.len() == 5 && code.starts_with("40"))
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if is_transient(&error) {
            Self::Unavailable(error)
        } else {
            Self::Internal(error)
        }
    }
}

/// Logs a failure when it becomes an answer, so that each is logged once.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(problem) => problem,
            StoreError::Unavailable(cause) | StoreError::Unsure(cause) => {
                if admit_line(LimitedLine::DatabaseFailed) {
                    tracing::error!(%cause, "the database is unavailable");
                }
                Self::unavailable()
            }
            // The store reads again after this error, and doesn't return it.
            StoreError::Outdated(cause) => {
                tracing::error!(%cause, "a conditional write was not retried");
                Self::busy()
            }
            StoreError::Internal(cause) => {
                if admit_line(LimitedLine::DatabaseFailed) {
                    tracing::error!(%cause, "the database failed");
                }
                Self::internal()
            }
        }
    }
}

/// SQLite's primary result codes for conditions that end by themselves or that
/// an operator can fix: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
const SQLITE_TRANSIENT: [u32; 6] = [5, 6, 8, 10, 13, 14];

fn is_transient(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
            match inner.as_database_error() {
                Some(database) => database
                    .code()
                    .is_some_and(|code| is_transient_code(code.as_ref())),
                // Any other error is from the connection, not from the
                // database.
                None => !matches!(
                    **inner,
                    sea_orm::SqlxError::ColumnDecode { .. } | sea_orm::SqlxError::RowNotFound
                ),
            }
        }
        _ => false,
    }
}

/// PostgreSQL's codes for conditions that end by themselves or that an operator
/// can fix. A code has five characters; the first two are its class. 08:
/// connection; 40: rolled back for a retry; 53: insufficient resources; 57:
/// operator intervention; 58: system error. 55P03: a lock isn't available;
/// 25006: the database is read-only for now.
const POSTGRES_TRANSIENT: [&str; 7] = ["08", "40", "53", "57", "58", "55P03", "25006"];

/// Returns whether a code of either database is transient. Codes of five
/// characters are PostgreSQL's; SQLite's are shorter numbers.
fn is_transient_code(code: &str) -> bool {
    if code.len() == 5 {
        return POSTGRES_TRANSIENT
            .iter()
            .any(|passing| code.starts_with(passing));
    }
    // The low byte of SQLite's extended codes is the primary code.
    code.parse::<u32>()
        .is_ok_and(|code| SQLITE_TRANSIENT.contains(&(code & 0xff)))
}

#[cfg(test)]
mod tests {
    use super::is_transient_code;

    #[test]
    fn transient_errors_are_known_by_code() {
        for (code, what) in [
            ("5", "SQLITE_BUSY"),
            ("8", "SQLITE_READONLY"),
            ("264", "SQLITE_READONLY_RECOVERY"),
            ("776", "SQLITE_READONLY_ROLLBACK"),
            ("1032", "SQLITE_READONLY_DBMOVED"),
            ("1544", "SQLITE_READONLY_DIRECTORY"),
            ("778", "SQLITE_IOERR_WRITE, as of EROFS and EIO"),
            ("1034", "SQLITE_IOERR_FSYNC"),
            ("4874", "SQLITE_IOERR_SHMSIZE"),
            ("13", "SQLITE_FULL"),
            ("14", "SQLITE_CANTOPEN"),
            ("53100", "disk_full"),
            ("53200", "out_of_memory"),
            ("53300", "too_many_connections"),
            ("57P01", "admin_shutdown"),
            ("58030", "io_error"),
            ("25006", "read_only_sql_transaction"),
            ("40P01", "deadlock_detected"),
            ("55P03", "lock_not_available"),
        ] {
            assert!(is_transient_code(code), "{what}");
        }
        for (code, what) in [
            ("1", "SQLITE_ERROR"),
            ("11", "SQLITE_CORRUPT"),
            ("2067", "SQLITE_CONSTRAINT_UNIQUE"),
            ("23505", "unique_violation"),
            ("25P02", "in_failed_sql_transaction"),
            ("42601", "syntax_error"),
            ("", "nothing"),
        ] {
            assert!(!is_transient_code(code), "{what}");
        }
    }
}
