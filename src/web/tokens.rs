//! Random codes and tokens that are given to users.

use crate::auth::random;
use crate::protocol::Problem;

/// Returns a random code for a password link, short enough to be typed.
pub(super) fn generate_code() -> Result<String, Problem> {
    random::generate_code().map_err(|error| {
        tracing::error!(%error, "the system's random source failed");
        Problem::internal()
    })
}

/// Returns a random token, for a form or an invitation.
pub(super) fn generate_token() -> Result<String, Problem> {
    random::generate_token().map_err(|error| {
        tracing::error!(%error, "the system's random source failed");
        Problem::internal()
    })
}
