//! What can go wrong in the store.
//!
//! Four kinds reach the layers above: the database can't be reached or can't
//! write now (`Unavailable`: try again), it went while it committed (`Unsure`:
//! try again, and look what became of it), it refused something that it should
//! have taken (`Internal`: our fault), and what was asked for isn't there or
//! doesn't fit (`Refused`, with the problem's code: an answer, not a failure).

use sea_orm::{DbErr, RuntimeErr, SqlxError};

use crate::protocol::{Code, Problem};
use crate::telemetry::{LimitedLine, admit_line};

/// Why a question to the store has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, is locked, full or read-only.
    #[error("the database is unavailable: {0}")]
    Unavailable(DbErr),
    /// It failed while it committed: what was to be written may be on disk.
    #[error("the database failed amid a commit: {0}")]
    Unsure(DbErr),
    /// The database refused what it should have taken.
    #[error("the database failed: {0}")]
    Internal(DbErr),
    /// An answer for the one who asked.
    #[error(transparent)]
    Refused(#[from] Problem),
}

impl StoreError {
    pub(super) fn not_found() -> Self {
        Self::Refused(Problem::not_found())
    }

    pub(super) fn refused(code: Code, detail: &'static str) -> Self {
        Self::Refused(Problem::new(code, detail))
    }

    /// Why, in the words of the database or the system, without those of what
    /// stands between: for one line at the command line.
    #[must_use]
    pub fn reason(&self) -> String {
        let in_time = || "it didn’t answer in time".to_owned();
        let (Self::Unavailable(error) | Self::Unsure(error) | Self::Internal(error)) = self else {
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
    /// Why a commit failed. Only where it was rolled back is it known that
    /// nothing was written.
    pub(super) fn of_commit(error: DbErr) -> Self {
        match Self::from(error) {
            Self::Unavailable(error) if !is_rolled_back(&error) => Self::Unsure(error),
            error => error,
        }
    }

    /// Whether PostgreSQL rolled everything back for want of locks (class
    /// 40): nothing was written, and trying again is right.
    pub(crate) fn is_rolled_back(&self) -> bool {
        matches!(self, Self::Unavailable(error) if is_rolled_back(error))
    }
}

fn is_rolled_back(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner))) =
        error
    else {
        return false;
    };
    let code = inner.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.len() == 5 && code.starts_with("40"))
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if is_passing(&error) {
            Self::Unavailable(error)
        } else {
            Self::Internal(error)
        }
    }
}

/// The log's side of a failure is written here, once, where it becomes an
/// answer.
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
            StoreError::Internal(cause) => {
                if admit_line(LimitedLine::DatabaseFailed) {
                    tracing::error!(%cause, "the database failed");
                }
                Self::internal()
            }
        }
    }
}

/// SQLite's primary result codes for what passes by itself or is mended from
/// outside: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
const SQLITE_PASSING: [u32; 6] = [5, 6, 8, 10, 13, 14];

fn is_passing(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
            match inner.as_database_error() {
                Some(database) => database
                    .code()
                    .is_some_and(|code| is_passing_code(code.as_ref())),
                // Anything that isn't the database's own answer is the way to it.
                None => !matches!(
                    **inner,
                    sea_orm::SqlxError::ColumnDecode { .. } | sea_orm::SqlxError::RowNotFound
                ),
            }
        }
        _ => false,
    }
}

/// The same for PostgreSQL, whose codes have five characters of which the first
/// two are the class: 08 connection, 40 rolled back to be tried again, 53 out
/// of resources, 57 operator intervention, 58 trouble of the system's; and a
/// lock that somebody holds, and a database that is only read for now.
const POSTGRES_PASSING: [&str; 7] = ["08", "40", "53", "57", "58", "55P03", "25006"];

/// SQLite's are shorter numbers.
fn is_passing_code(code: &str) -> bool {
    if code.len() == 5 {
        return POSTGRES_PASSING
            .iter()
            .any(|passing| code.starts_with(passing));
    }
    // SQLite's extended codes carry the primary one in their low byte.
    code.parse::<u32>()
        .is_ok_and(|code| SQLITE_PASSING.contains(&(code & 0xff)))
}

#[cfg(test)]
mod tests {
    use super::is_passing_code;

    #[test]
    fn what_passes_or_is_mended_from_outside_is_known_by_its_code() {
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
            assert!(is_passing_code(code), "{what}");
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
            assert!(!is_passing_code(code), "{what}");
        }
    }
}
