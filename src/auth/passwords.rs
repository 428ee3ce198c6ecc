//! argon2id with the parameters that OWASP names first (19 MiB, two passes,
//! one lane). Each call takes about 20 ms of CPU: never on an event loop.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::protocol::Password;

/// The hash could not be made: the system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("could not hash a password: {0}")]
pub struct HashError(String);

/// A PHC string with a fresh salt.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn hash(password: &Password) -> Result<String, HashError> {
    hash_text(password.reveal())
}

fn hash_text(password: &str) -> Result<String, HashError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| HashError(error.to_string()))
}

/// Whether `password` is the one that was hashed. With no hash to compare
/// (an unknown name) it takes as long, so that time doesn't tell which names
/// exist.
#[must_use]
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    static NOBODY: LazyLock<String> = LazyLock::new(|| hash_text("nobody").unwrap_or_default());
    let matches = PasswordHash::new(hash.unwrap_or(&NOBODY)).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    });
    matches && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_verifies() {
        let password = Password::parse("correct horse").unwrap();
        let hash = hash(&password).unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("correct horse", Some(&hash)));
        assert!(!verify("correct horses", Some(&hash)));
        assert!(!verify("nobody", None));
        assert!(!verify("x", Some("not a hash")));
    }
}
