//! Device tokens: a browser that logged in to an account keeps one, and its
//! next attempt to log in waits apart from those of strangers. It is no login,
//! and shows nothing but that a password was right once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::UserId;
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

/// Keeps these apart from all else that the secret signs.
const PURPOSE: &[u8] = b"tidings: device, version 1";

/// Makes device tokens, and knows those it made.
pub struct DeviceTokens(Hmac<Sha256>);

impl DeviceTokens {
    /// Tokens under a key derived from `secret`.
    ///
    /// # Errors
    /// None with any secret there is: a key may be of any length.
    pub fn new(secret: &Secret) -> Result<Self, InvalidLength> {
        let root = Hmac::<Sha256>::new_from_slice(secret.bytes())?;
        let key = root.chain_update(PURPOSE).finalize().into_bytes();
        Ok(Self(Hmac::new_from_slice(&key)?))
    }

    /// The token of a browser that logged in to an account.
    #[must_use]
    pub fn issue(&self, user: UserId) -> String {
        URL_SAFE_NO_PAD.encode(self.code(user).finalize().into_bytes())
    }

    /// Whether `token` is of that account. Takes the same time wherever it
    /// differs.
    #[must_use]
    pub fn is_of(&self, user: UserId, token: &str) -> bool {
        let bytes = URL_SAFE_NO_PAD.decode(token);
        bytes.is_ok_and(|bytes| self.code(user).verify_slice(&bytes).is_ok())
    }

    fn code(&self, user: UserId) -> Hmac<Sha256> {
        self.0.clone().chain_update(user.0.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_token_is_of_one_account() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = DeviceTokens::new(&Secret::load_or_create(folder.path()).unwrap()).unwrap();
        let token = tokens.issue(UserId(7));
        assert!(tokens.is_of(UserId(7), &token));
        for (user, token) in [(8, &*token), (7, ""), (7, &token[1..]), (7, "AAAA")] {
            assert!(!tokens.is_of(UserId(user), token), "{user} {token}");
        }
    }
}
