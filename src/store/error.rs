//! What can go wrong in the store.
//!
//! Three kinds reach the layers above: the database can't be reached or can't
//! write now (`Unavailable`: try again), it refused something that it should
//! have taken (`Internal`: our fault), and what was asked for isn't there or
//! doesn't fit (`NotFound`, `Conflict`, `Refused`: an answer, not a failure).

use sea_orm::{DbErr, RuntimeErr};

use crate::protocol::{Code, Problem};

/// Why a question to the store has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, is locked, full or read-only.
    #[error("the database is unavailable: {0}")]
    Unavailable(DbErr),
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
}

impl StoreError {
    /// Whether PostgreSQL rolled everything back for want of locks (class
    /// 40): nothing was written, and trying again is right.
    pub(crate) fn is_rolled_back(&self) -> bool {
        let Self::Unavailable(
            DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)),
        ) = self
        else {
            return false;
        };
        let code = inner.as_database_error().and_then(|error| error.code());
        code.is_some_and(|code| code.len() == 5 && code.starts_with("40"))
    }
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
            StoreError::Unavailable(cause) => {
                tracing::error!(%cause, "the database is unavailable");
                Self::unavailable()
            }
            StoreError::Internal(cause) => {
                tracing::error!(%cause, "the database failed");
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

/// PostgreSQL's codes have five characters, of which the first two are the
/// class: 08 connection, 53 out of resources, 57 operator intervention, 40
/// rolled back to be tried again. SQLite's are shorter numbers.
fn is_passing_code(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "53", "57", "40"]
            .iter()
            .any(|class| code.starts_with(class));
    }
    // SQLite's extended codes carry the primary one in their low byte.
    code.parse::<u32>()
        .is_ok_and(|code| SQLITE_PASSING.contains(&(code & 0xff)))
}
