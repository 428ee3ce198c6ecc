//! Device tokens: a browser that logged in to an account stores one. The
//! browser's next login attempts don't queue with those of unknown clients. A
//! device token is no login: it only proves that the browser once had the
//! correct password.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::UserId;
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

/// Domain separation from everything else that the secret signs.
const KEY_PURPOSE: &[u8] = b"tidings: device, version 1";

/// Issues and verifies device tokens.
pub struct DeviceTokens(Hmac<Sha256>);

impl DeviceTokens {
    /// Derives the key of the tokens from `secret`.
    ///
    /// # Errors
    /// Never for an existing secret: an HMAC key may have any length.
    pub fn new(secret: &Secret) -> Result<Self, InvalidLength> {
        let root = Hmac::<Sha256>::new_from_slice(secret.bytes())?;
        let key = root.chain_update(KEY_PURPOSE).finalize().into_bytes();
        Ok(Self(Hmac::new_from_slice(&key)?))
    }

    /// Returns the token for a browser that logged in to the account.
    #[must_use]
    pub fn issue(&self, user: UserId) -> String {
        URL_SAFE_NO_PAD.encode(self.user_mac(user).finalize().into_bytes())
    }

    /// Returns whether `token` belongs to the account. The comparison takes
    /// constant time.
    #[must_use]
    pub fn verify(&self, user: UserId, token: &str) -> bool {
        let bytes = URL_SAFE_NO_PAD.decode(token);
        bytes.is_ok_and(|bytes| self.user_mac(user).verify_slice(&bytes).is_ok())
    }

    fn user_mac(&self, user: UserId) -> Hmac<Sha256> {
        self.0.clone().chain_update(user.0.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_token_belongs_to_one_account() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = DeviceTokens::new(&Secret::load_or_create(folder.path()).unwrap()).unwrap();
        let token = tokens.issue(UserId(7));
        assert!(tokens.verify(UserId(7), &token));
        for (user, token) in [(8, &*token), (7, ""), (7, &token[1..]), (7, "AAAA")] {
            assert!(!tokens.verify(UserId(user), token), "{user} {token}");
        }
    }
}
