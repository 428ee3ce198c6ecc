//! Password hashing: argon2id with the first parameters that OWASP recommends
//! (19 MiB, two passes, one lane). Each call takes about 20 ms of CPU: never
//! call it on an event loop.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::protocol::Password;

/// The hash couldn't be computed: the system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("could not hash a password: {0}")]
pub struct PasswordHashError(String);

/// Returns a hash as a PHC string with a fresh salt.
///
/// # Errors
/// If the system has no randomness.
pub fn hash(password: &Password) -> Result<String, PasswordHashError> {
    hash_text(password.reveal())
}

fn hash_text(password: &str) -> Result<String, PasswordHashError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| PasswordHashError(error.to_string()))
}

/// The hash to compare a password with if there is no other one, so that the
/// comparison takes the same time.
static DUMMY_HASH: LazyLock<String> =
    LazyLock::new(|| hash_text("unknown user").unwrap_or_default());

/// The result of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    Wrong,
    Correct,
    /// The password is correct, but a new hash should replace the old one. The
    /// old hash is of the text before normalization, or has former parameters.
    CorrectButOutdated,
}

impl PasswordCheck {
    #[must_use]
    pub fn is_correct(self) -> bool {
        self != Self::Wrong
    }
}

/// Compares a typed password with the hash of its user. Accounts older than
/// normalization have a hash of the text as it was typed. Without a hash
/// (unknown username), the comparison takes as long, so its time doesn't reveal
/// which names exist.
#[must_use]
pub fn verify(typed: &str, hash: Option<&str>) -> PasswordCheck {
    let password = Password::from_existing(typed);
    if let Some(kept) = match_hash(password.reveal(), hash) {
        return if is_current(&kept) {
            PasswordCheck::Correct
        } else {
            PasswordCheck::CorrectButOutdated
        };
    }
    let is_normal = password.reveal() == typed;
    if !is_normal && match_hash(typed, hash).is_some() {
        return PasswordCheck::CorrectButOutdated;
    }
    PasswordCheck::Wrong
}

/// Returns the hash if it matches the text.
fn match_hash(text: &str, hash: Option<&str>) -> Option<PasswordHash> {
    // An unreadable hash is treated like a missing one, in the same time.
    let kept = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let dummy = || PasswordHash::new(&DUMMY_HASH).ok();
    let compared = kept.clone().or_else(dummy)?;
    #[cfg(test)]
    tests::count();
    let matches = Argon2::default().verify_password(text.as_bytes(), &compared);
    matches.is_ok().then_some(kept).flatten()
}

/// Returns whether a new hash would have the same algorithm and parameters.
fn is_current(hash: &PasswordHash) -> bool {
    PasswordHash::new(&DUMMY_HASH).is_ok_and(|now| {
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

    /// Hashing dominates the time. A different time would reveal which accounts
    /// exist.
    #[test]
    fn verification_costs_same_without_hash() {
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
        assert_eq!(cost(&hash), cost(&DUMMY_HASH), "cost parameters");
    }

    #[test]
    fn wrong_passwords_are_rejected() {
        let password = Password::parse("correct horse").unwrap();
        let hash = hash(&password).unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert_eq!(verify("correct horse", Some(&hash)), PasswordCheck::Correct);
        for (typed, kept) in [
            ("correct horses", Some(&*hash)),
            ("unknown user", None),
            ("x", Some("not a hash")),
        ] {
            assert_eq!(verify(typed, kept), PasswordCheck::Wrong);
        }
    }

    #[test]
    fn outdated_hashes_verify_as_outdated() {
        let raw = "correct horse\u{65}\u{301}";
        let hash = hash_text(raw).unwrap();
        assert_eq!(verify(raw, Some(&hash)), PasswordCheck::CorrectButOutdated);
        let params = argon2::Params::new(8, 1, 1, None).unwrap();
        let weak = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let hash = weak.hash_password(b"correct horse").unwrap().to_string();
        assert_eq!(
            verify("correct horse", Some(&hash)),
            PasswordCheck::CorrectButOutdated
        );
    }
}
