//! What is made up here for people to have.

use crate::auth::random;
use crate::protocol::Problem;

/// A word that nobody can guess: a link's, a form's, an invitation's.
pub(super) fn word() -> Result<String, Problem> {
    random::word().map_err(|error| {
        tracing::error!(%error, "the system has no randomness to give");
        Problem::internal()
    })
}
