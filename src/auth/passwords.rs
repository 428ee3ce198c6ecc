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

/// A new hash of a password that is right, if its hash was made with other
/// parameters than a new one.
///
/// # Errors
/// As [`hash`].
pub fn renewed(password: &str, hash: &str) -> Result<Option<String>, HashError> {
    let is_current = PasswordHash::new(hash).is_ok_and(|hash| {
        let current = PasswordHash::new(&NOBODY).ok();
        current.is_some_and(|current| {
            current.algorithm == hash.algorithm
                && current.version == hash.version
                && current.params.to_string() == hash.params.to_string()
        })
    });
    match is_current {
        true => Ok(None),
        false => hash_text(password).map(Some),
    }
}

/// What the password of nobody is compared with.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_text("nobody").unwrap_or_default());

/// Whether `password` is the one that was hashed. With no hash to compare
/// (an unknown name) it takes as long, so that time doesn't tell which names
/// exist.
#[must_use]
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    let nobody = || PasswordHash::new(&NOBODY).ok();
    // One that can't be read is as good as none, and takes as long.
    let kept = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let is_somebodys = kept.is_some();
    let matches = kept.or_else(nobody).is_some_and(|hash| {
        #[cfg(test)]
        tests::count();
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    });
    matches && is_somebodys
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static HASHINGS: Cell<u32> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        HASHINGS.set(HASHINGS.get() + 1);
    }

    /// Time would tell who has an account, and hashing is what takes time.
    #[test]
    fn whoever_is_asked_for_one_password_is_hashed_with_the_same_cost() {
        let password = Password::parse("correct horse").unwrap();
        let hash = hash(&password).unwrap();
        for kept in [Some(&*hash), None, Some("not a hash")] {
            for tried in ["correct horse", "wrong", ""] {
                HASHINGS.set(0);
                let _ = verify(tried, kept);
                assert_eq!(HASHINGS.get(), 1, "{tried:?} against {kept:?}");
            }
        }
        let cost = |hash: &str| {
            let hash = PasswordHash::new(hash).unwrap();
            (hash.algorithm.to_string(), hash.params.to_string())
        };
        assert_eq!(cost(&hash), cost(&NOBODY), "the same work");
    }

    #[test]
    fn old_parameters_are_renewed() {
        use argon2::{Algorithm, Params, Version};
        let current = hash_text("correct horse").unwrap();
        assert_eq!(renewed("correct horse", &current).unwrap(), None);
        let params = Params::new(8, 1, 1, None).unwrap();
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let old = old.hash_password(b"correct horse").unwrap().to_string();
        assert!(verify("correct horse", Some(&old)));
        let new = renewed("correct horse", &old).unwrap().unwrap();
        assert!(verify("correct horse", Some(&new)));
        assert_eq!(renewed("correct horse", &new).unwrap(), None);
    }

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
