//! What is made up here for people to have.

use crate::auth::random;
use crate::protocol::Problem;

/// A code that somebody can type: a link's.
pub(super) fn code() -> Result<String, Problem> {
    random::code().map_err(|error| {
        tracing::error!(%error, "the system has no randomness to give");
        Problem::internal()
    })
}

/// A word that nobody can guess: a form's, an invitation's.
pub(super) fn word() -> Result<String, Problem> {
    random::word().map_err(|error| {
        tracing::error!(%error, "the system has no randomness to give");
        Problem::internal()
    })
}
