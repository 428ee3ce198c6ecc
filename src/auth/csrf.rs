//! What tells a request of our own pages from one that somebody else's page
//! makes a browser send: a token that only our pages know.
//!
//! Both kinds are HMACs under a key of their own, so that there is nothing to
//! store: of the login for whoever has one; else of a random cookie, which a
//! stranger's page can neither read nor set.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::LoginId;
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

/// No JWT looks like this, so that no token of one kind is ever one of the
/// other.
const PURPOSE: &[u8] = b"tidings: csrf, version 1";

/// Makes tokens, and knows those it made.
pub struct Csrf(Hmac<Sha256>);

impl Csrf {
    /// Tokens under a key derived from `secret`.
    ///
    /// # Errors
    /// None with any secret there is: a key may be of any length.
    pub fn new(secret: &Secret) -> Result<Self, InvalidLength> {
        let root = Hmac::<Sha256>::new_from_slice(secret.bytes())?;
        let key = root.chain_update(PURPOSE).finalize().into_bytes();
        Hmac::new_from_slice(&key).map(Self)
    }

    /// The token of somebody who is logged in.
    #[must_use]
    pub fn of_login(&self, login: LoginId) -> String {
        written(self.login(login))
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
        written(self.form(nonce))
    }

    /// Whether `token` is of the form whose cookie is `nonce`. Takes the same
    /// time wherever it differs.
    #[must_use]
    pub fn is_of_form(&self, nonce: &str, token: &str) -> bool {
        is_right(self.form(nonce), token)
    }

    fn login(&self, login: LoginId) -> Hmac<Sha256> {
        let message = format!("login {login}");
        self.0.clone().chain_update(message.as_bytes())
    }

    fn form(&self, nonce: &str) -> Hmac<Sha256> {
        let message = format!("form {nonce}");
        self.0.clone().chain_update(message.as_bytes())
    }
}

fn written(code: Hmac<Sha256>) -> String {
    URL_SAFE_NO_PAD.encode(code.finalize().into_bytes())
}

fn is_right(code: Hmac<Sha256>, token: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(token)
        .is_ok_and(|token| code.verify_slice(&token).is_ok())
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
        for other in ["", "x", &token[1..], &format!("{token}A"), &"A".repeat(43)] {
            assert!(!csrf.is_of_login(LoginId(7), other), "{other}");
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
