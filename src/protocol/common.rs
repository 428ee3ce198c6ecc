//! The passwords that are tried first, everywhere.
//!
//! The list is the one that Django refuses, by Royce Williams from what was
//! found in leaks (`django/contrib/auth/common-passwords.txt.gz` of Django
//! 5.2, BSD-3-Clause): the 20,000 commonest, of which those too short for us
//! are left out.

use std::collections::HashSet;
use std::sync::LazyLock;

static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// Whether `password` is one of them, however it is capitalised.
pub(super) fn is_common(password: &str) -> bool {
    COMMON.contains(password.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_takes_is_common() {
        for password in ["password1", "PassWord1", "qwertyuiop", "1234567890"] {
            assert!(is_common(password), "{password}");
        }
        assert!(!is_common("correct horse battery"));
        assert!(COMMON.len() > 8000);
    }
}
