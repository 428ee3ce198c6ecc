//! CSRF tokens: they distinguish a request of our own pages from one that
//! another site's page makes the browser send.
//!
//! A token is an HMAC under a key of its own, so the server stores nothing. It
//! covers the login. Without a login, it covers a random cookie that another
//! site can neither read nor set.
//!
//! Each issued token has a fresh mask, because responses are compressed.
//! Without the mask, an attacker who repeatedly injects text into a page and
//! sees the compressed length could guess the token character by character
//! (BREACH).

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{LoginId, Millis};
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

/// Domain separation: no JWT has this text, so a CSRF token is never valid as a
/// login token, nor the other way round.
const KEY_PURPOSE: &[u8] = b"tidings: csrf, version 1";

/// Length in bytes of a token, and of the mask in front of it.
const TOKEN_LENGTH: usize = 32;

/// Issues and verifies CSRF tokens.
pub struct CsrfTokens {
    key: Hmac<Sha256>,
    /// Counter from which the next mask is derived. Without the key, the mask
    /// can't be predicted from the counter.
    masks: AtomicU64,
}

impl CsrfTokens {
    /// Derives the key of the tokens from `secret`.
    ///
    /// # Errors
    /// Never for an existing secret: an HMAC key may have any length.
    pub fn new(secret: &Secret) -> Result<Self, InvalidLength> {
        let root = Hmac::<Sha256>::new_from_slice(secret.bytes())?;
        let key = root.chain_update(KEY_PURPOSE).finalize().into_bytes();
        Ok(Self {
            key: Hmac::new_from_slice(&key)?,
            // Starts at the current time, so masks differ from those before a
            // restart.
            masks: AtomicU64::new(Millis::now().0.unsigned_abs() << 20),
        })
    }

    /// Returns a new masked token for a login.
    #[must_use]
    pub fn issue_for_login(&self, login: LoginId) -> String {
        self.mask_token(self.login_mac(login))
    }

    /// Returns whether `token` belongs to the login. The comparison takes
    /// constant time.
    #[must_use]
    pub fn verify_for_login(&self, login: LoginId, token: &str) -> bool {
        verify_masked(self.login_mac(login), token)
    }

    /// Returns a new masked token for a form whose cookie is `nonce`.
    #[must_use]
    pub fn issue_for_form(&self, nonce: &str) -> String {
        self.mask_token(self.form_mac(nonce))
    }

    /// Returns whether `token` belongs to the form whose cookie is `nonce`. The
    /// comparison takes constant time.
    #[must_use]
    pub fn verify_for_form(&self, nonce: &str, token: &str) -> bool {
        verify_masked(self.form_mac(nonce), token)
    }

    fn login_mac(&self, login: LoginId) -> Hmac<Sha256> {
        let message = format!("login {login}");
        self.key.clone().chain_update(message.as_bytes())
    }

    fn form_mac(&self, nonce: &str) -> Hmac<Sha256> {
        let message = format!("form {nonce}");
        self.key.clone().chain_update(message.as_bytes())
    }

    fn mask_token(&self, code: Hmac<Sha256>) -> String {
        let which = self.masks.fetch_add(1, Ordering::Relaxed);
        let mask = self.key.clone().chain_update(format!("mask {which}"));
        let mask = mask.finalize().into_bytes();
        let masked = xor(&code.finalize().into_bytes(), &mask);
        URL_SAFE_NO_PAD.encode([&*mask, &*masked].concat())
    }
}

fn verify_masked(code: Hmac<Sha256>, token: &str) -> bool {
    let Ok(token) = URL_SAFE_NO_PAD.decode(token) else {
        return false;
    };
    match token.split_at_checked(TOKEN_LENGTH) {
        Some((mask, masked)) if masked.len() == TOKEN_LENGTH => {
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

    fn csrf() -> CsrfTokens {
        let folder = tempfile::tempdir().unwrap();
        CsrfTokens::new(&Secret::load_or_create(folder.path()).unwrap()).unwrap()
    }

    #[test]
    fn token_is_valid_for_one_login() {
        let csrf = csrf();
        let token = csrf.issue_for_login(LoginId(7));
        assert!(csrf.verify_for_login(LoginId(7), &token));
        assert!(!csrf.verify_for_login(LoginId(8), &token));
        assert!(!csrf.verify_for_form("7", &token));
        assert!(!super::tests::csrf().verify_for_login(LoginId(7), &token));
        for other in [
            "",
            "x",
            &token[1..],
            &format!("{token}A"),
            &"A".repeat(43),
            &"A".repeat(86),
        ] {
            assert!(!csrf.verify_for_login(LoginId(7), other), "{other}");
        }
    }

    #[test]
    fn token_mask_differs_each_time() {
        let csrf = csrf();
        let [one, two] = [(), ()].map(|()| csrf.issue_for_login(LoginId(7)));
        let (one_bytes, two_bytes) = (one.bytes(), two.bytes());
        let same = one_bytes.zip(two_bytes).filter(|(one, two)| one == two);
        assert!(same.count() < one.len() / 2, "{one} {two}");
        for token in [one, two] {
            assert!(csrf.verify_for_login(LoginId(7), &token));
        }
    }

    #[test]
    fn form_token_matches_only_its_cookie() {
        let csrf = csrf();
        let token = csrf.issue_for_form("abc");
        assert!(csrf.verify_for_form("abc", &token));
        assert!(!csrf.verify_for_form("abd", &token));
        assert!(!csrf.verify_for_form("", &token));
    }
}
