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

/// What the password of nobody is compared with.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_text("nobody").unwrap_or_default());

/// What comparing a password with a hash gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    Wrong,
    Right,
    /// Right, and the hash is of the text before normalisation, or was made with
    /// parameters that are no longer used: a new hash should replace it.
    RightButOutdated,
}

impl PasswordCheck {
    #[must_use]
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// Compares what a user typed with the hash of their password. Accounts that are
/// older than normalisation have a hash of the text as it was typed. With no
/// hash to compare (an unknown name) it takes as long, so that the time doesn't
/// reveal which names exist.
#[must_use]
pub fn verify(typed: &str, hash: Option<&str>) -> PasswordCheck {
    let password = Password::existing(typed);
    if let Some(kept) = matching(password.reveal(), hash) {
        return match is_current(&kept) {
            true => PasswordCheck::Right,
            false => PasswordCheck::RightButOutdated,
        };
    }
    let is_normal = password.reveal() == typed;
    if !is_normal && matching(typed, hash).is_some() {
        return PasswordCheck::RightButOutdated;
    }
    PasswordCheck::Wrong
}

/// The hash, if it is of this text.
fn matching(text: &str, hash: Option<&str>) -> Option<PasswordHash> {
    // A hash that can't be read counts as none, and takes as long.
    let kept = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let dummy = || PasswordHash::new(&NOBODY).ok();
    let compared = kept.clone().or_else(dummy)?;
    #[cfg(test)]
    tests::count();
    let matches = Argon2::default().verify_password(text.as_bytes(), &compared);
    matches.is_ok().then_some(kept).flatten()
}

/// Whether a hash made now would have the same algorithm and parameters.
fn is_current(hash: &PasswordHash) -> bool {
    PasswordHash::new(&NOBODY).is_ok_and(|now| {
        (now.algorithm, now.version, &now.params) == (hash.algorithm, hash.version, &hash.params)
    })
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
            for tried in ["correct horse", "wrong", "", "wrong e\u{301}"] {
                HASHINGS.set(0);
                let _ = verify(tried, kept);
                let forms = if tried.is_ascii() { 1 } else { 2 };
                assert_eq!(HASHINGS.get(), forms, "{tried:?} against {kept:?}");
            }
        }
        let cost = |hash: &str| {
            let hash = PasswordHash::new(hash).unwrap();
            (hash.algorithm.to_string(), hash.params.to_string())
        };
        assert_eq!(cost(&hash), cost(&NOBODY), "the same work");
    }

    #[test]
    fn only_the_same_password_verifies() {
        let password = Password::parse("correct horse").unwrap();
        let hash = hash(&password).unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert_eq!(verify("correct horse", Some(&hash)), PasswordCheck::Right);
        for (typed, kept) in [
            ("correct horses", Some(&*hash)),
            ("nobody", None),
            ("x", Some("not a hash")),
        ] {
            assert_eq!(verify(typed, kept), PasswordCheck::Wrong);
        }
    }

    #[test]
    fn outdated_hashes_verify_and_are_named() {
        let raw = "correct horse\u{65}\u{301}";
        let hash = hash_text(raw).unwrap();
        assert_eq!(verify(raw, Some(&hash)), PasswordCheck::RightButOutdated);
        let params = argon2::Params::new(8, 1, 1, None).unwrap();
        let weak = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let hash = weak.hash_password(b"correct horse").unwrap().to_string();
        assert_eq!(
            verify("correct horse", Some(&hash)),
            PasswordCheck::RightButOutdated
        );
    }
}
