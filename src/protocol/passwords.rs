//! Rules for new passwords: common and guessable ones are refused.
//!
//! The list of common passwords is Django's
//! (`django/contrib/auth/common-passwords.txt.gz` of Django 5.2, BSD-3-Clause).
//! Royce Williams compiled it from leaks: the 20,000 most common passwords,
//! without those of up to three characters.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::text::{is_blank, nfc, search_key};
use super::{ErrorCode, Problem};

static COMMON_PASSWORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// The product's name, which is on every login page.
const PRODUCT_NAME: &str = "tidings";
/// A password that contains a name must have more than this many other
/// characters.
const NAME_SURPLUS_MAX: usize = 3;
/// A password that only repeats a unit of up to this many characters is weak.
const UNIT_MAX: usize = 4;

/// A password in NFC (RFC 8265): the form in which it is counted, checked and
/// hashed. `Debug` doesn't show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Validates a new password of 8 to 128 characters.
    ///
    /// # Errors
    /// `weak_password`, naming the field `password`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let password = Self::from_existing(text);
        match password.weakness() {
            None => Ok(password),
            Some(why) => Err(weak_password(why)),
        }
    }

    /// Checks a new password against the username and the display name of its
    /// user.
    ///
    /// # Errors
    /// `weak_password`, naming the field `password`.
    pub fn reject_similar(self, names: &[&str]) -> Result<Self, Problem> {
        let key = search_key(&self.0);
        if !names.iter().any(|name| is_similar_to_name(&key, name)) {
            Ok(self)
        } else {
            Err(weak_password(
                "This password is too similar to the username or name.",
            ))
        }
    }

    /// Creates the password of an existing account: no rule applies to it.
    #[must_use]
    pub fn from_existing(text: &str) -> Self {
        Self(nfc(text).into_owned())
    }

    fn weakness(&self) -> Option<&'static str> {
        let key = search_key(&self.0);
        if !(8..=128).contains(&self.0.chars().count()) {
            Some("A password has 8 to 128 characters.")
        } else if is_blank(&self.0) {
            Some("A password must contain visible characters.")
        } else if repeats_unit(&key) {
            Some("This password repeats a few characters.")
        } else if is_common(&key) {
            Some("This password is too common.")
        } else if is_similar_to_name(&key, PRODUCT_NAME) {
            Some("This password is too similar to the username or name.")
        } else {
            None
        }
    }

    /// Returns the secret text, for hashing.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

fn weak_password(why: &'static str) -> Problem {
    Problem::new(ErrorCode::WeakPassword, why).with_field("password", why)
}

/// Returns whether the list has `key`, or the part of it before appended digits
/// and punctuation.
fn is_common(key: &str) -> bool {
    let letters_end = key
        .trim_end_matches(|sign: char| !sign.is_alphabetic())
        .len();
    let ends = key.char_indices().map(|(at, _)| at).chain([key.len()]);
    ends.filter(|end| *end >= letters_end)
        .filter_map(|end| key.get(..end))
        .any(|beginning| COMMON_PASSWORDS.contains(beginning))
}

fn repeats_unit(key: &str) -> bool {
    let signs: Vec<char> = key.chars().collect();
    (1..=UNIT_MAX).any(|length| {
        let mut pairs = signs.iter().zip(signs.iter().skip(length));
        signs.len() >= 2 * length && pairs.all(|(sign, later)| sign == later)
    })
}

/// Returns whether `key` is the name with few characters around it.
fn is_similar_to_name(key: &str, name: &str) -> bool {
    let compact = |text: &str| text.split_whitespace().collect::<String>();
    let (key, name) = (compact(key), compact(&search_key(name)));
    !name.is_empty()
        && key.contains(&name)
        && key.chars().count() <= name.chars().count() + NAME_SURPLUS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_weak(password: &str) -> bool {
        let names = ["margaret_h", "Margaret Hamilton"];
        Password::parse(password)
            .and_then(|it| it.reject_similar(&names))
            .is_err()
    }

    #[test]
    fn guessable_passwords_are_weak() {
        for password in [
            "password1",
            "PassWord1",
            "qwertyuiop",
            "1234567890",
            "        ",
            "\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}\u{3164}",
            "Summer2026",
            "monkey!!",
            "abcabcabc",
            "abcabcab",
            "aaaaaaaaaa",
            "Xy9!Xy9!Xy9!",
            "margaret_h",
            "Margaret_H1!",
            "margarethamilton",
            "12 Margaret Hamilton",
            "tidings1",
            "Tidings123",
        ] {
            assert!(is_weak(password), "{password}");
        }
    }

    #[test]
    fn unguessable_passwords_are_accepted() {
        for password in [
            "correct horse",
            "abcdeabcde1",
            "my margaret_h is ok",
            "žluťoučký kůň",
        ] {
            assert!(!is_weak(password), "{password}");
        }
        assert!(COMMON_PASSWORDS.len() > 19_000);
    }

    #[test]
    fn unicode_forms_of_password_are_equal() {
        let [one, other] = ["pass\u{E9} words", "passe\u{301} words"].map(Password::from_existing);
        assert!(one == other);
    }
}
