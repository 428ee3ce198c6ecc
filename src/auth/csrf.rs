//! What tells a request of our own pages from one that somebody else's page
//! makes a browser send: a token that only our pages know.
//!
//! Both kinds are HMACs under a key of their own, so that there is nothing to
//! store: of the login for whoever has one; else of a random cookie, which a
//! stranger's page can neither read nor set.
//!
//! As written, a token is masked, by another mask each time. Our answers are
//! compressed; who can have some text of their own put into a page again and
//! again and sees how long it gets could else guess at it sign by sign
//! (BREACH).

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{LoginId, Millis};
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

/// No JWT looks like this, so that no token of one kind is ever one of the
/// other.
const PURPOSE: &[u8] = b"tidings: csrf, version 1";

/// Bytes of a token, and of its mask in front of it.
const LENGTH: usize = 32;

/// Makes tokens, and knows those it made.
pub struct Csrf {
    key: Hmac<Sha256>,
    /// Of which the next mask is made. Nobody can tell a mask by it who doesn't
    /// have the key.
    masks: AtomicU64,
}

impl Csrf {
    /// Tokens under a key derived from `secret`.
    ///
    /// # Errors
    /// None with any secret there is: a key may be of any length.
    pub fn new(secret: &Secret) -> Result<Self, InvalidLength> {
        let root = Hmac::<Sha256>::new_from_slice(secret.bytes())?;
        let key = root.chain_update(PURPOSE).finalize().into_bytes();
        Ok(Self {
            key: Hmac::new_from_slice(&key)?,
            // Others than before a restart.
            masks: AtomicU64::new(Millis::now().0.unsigned_abs() << 20),
        })
    }

    /// The token of somebody who is logged in.
    #[must_use]
    pub fn of_login(&self, login: LoginId) -> String {
        self.written(self.login(login))
    }

    /// Whether `token` is that login's. Takes the same time wherever it
    /// differs.
    #[must_use]
    pub fn is_of_login(&self, login: LoginId, token: &str) -> bool {
        is_right(self.login(login), token)
    }

    /// The token of a form whose cookie is `nonce`.
    #[must_use]
    pub fn of_form(&self, nonce: &str) -> String {
        self.written(self.form(nonce))
    }

    /// Whether `token` is of the form whose cookie is `nonce`. Takes the same
    /// time wherever it differs.
    #[must_use]
    pub fn is_of_form(&self, nonce: &str, token: &str) -> bool {
        is_right(self.form(nonce), token)
    }

    fn login(&self, login: LoginId) -> Hmac<Sha256> {
        let message = format!("login {login}");
        self.key.clone().chain_update(message.as_bytes())
    }

    fn form(&self, nonce: &str) -> Hmac<Sha256> {
        let message = format!("form {nonce}");
        self.key.clone().chain_update(message.as_bytes())
    }

    fn written(&self, code: Hmac<Sha256>) -> String {
        let which = self.masks.fetch_add(1, Ordering::Relaxed);
        let mask = self.key.clone().chain_update(format!("mask {which}"));
        let mask = mask.finalize().into_bytes();
        let masked = xor(&code.finalize().into_bytes(), &mask);
        URL_SAFE_NO_PAD.encode([&*mask, &*masked].concat())
    }
}

fn is_right(code: Hmac<Sha256>, token: &str) -> bool {
    let Ok(token) = URL_SAFE_NO_PAD.decode(token) else {
        return false;
    };
    match token.split_at_checked(LENGTH) {
        Some((mask, masked)) if masked.len() == LENGTH => {
            code.verify_slice(&xor(masked, mask)).is_ok()
        }
        _ => false,
    }
}

fn xor(one: &[u8], two: &[u8]) -> Vec<u8> {
    one.iter().zip(two).map(|(one, two)| one ^ two).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csrf() -> Csrf {
        let folder = tempfile::tempdir().unwrap();
        Csrf::new(&Secret::load_or_create(folder.path()).unwrap()).unwrap()
    }

    #[test]
    fn a_token_is_of_one_login_alone() {
        let csrf = csrf();
        let token = csrf.of_login(LoginId(7));
        assert!(csrf.is_of_login(LoginId(7), &token));
        assert!(!csrf.is_of_login(LoginId(8), &token));
        assert!(!csrf.is_of_form("7", &token));
        assert!(!super::tests::csrf().is_of_login(LoginId(7), &token));
        for other in [
            "",
            "x",
            &token[1..],
            &format!("{token}A"),
            &"A".repeat(43),
            &"A".repeat(86),
        ] {
            assert!(!csrf.is_of_login(LoginId(7), other), "{other}");
        }
    }

    #[test]
    fn a_token_is_written_differently_each_time() {
        let csrf = csrf();
        let [one, two] = [(), ()].map(|()| csrf.of_login(LoginId(7)));
        let (one_bytes, two_bytes) = (one.bytes(), two.bytes());
        let same = one_bytes.zip(two_bytes).filter(|(one, two)| one == two);
        assert!(same.count() < one.len() / 2, "{one} {two}");
        for token in [one, two] {
            assert!(csrf.is_of_login(LoginId(7), &token));
        }
    }

    #[test]
    fn a_form_s_token_is_of_its_cookie_alone() {
        let csrf = csrf();
        let token = csrf.of_form("abc");
        assert!(csrf.is_of_form("abc", &token));
        assert!(!csrf.is_of_form("abd", &token));
        assert!(!csrf.is_of_form("", &token));
    }
}
