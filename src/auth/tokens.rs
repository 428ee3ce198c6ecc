//! Tokens: JWTs (RFC 7519) signed with HS256. They name a login; whether that
//! still holds is the store's to say.

use std::time::Duration;

use entity::{LoginId, Millis, UserId};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Signer, Verifier};

use super::Secret;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id, as RFC 7519 wants it: a string.
    #[serde(with = "as_text")]
    pub sub: i64,
    /// The login.
    pub sid: LoginId,
    /// Made at, in seconds since 1970.
    pub iat: i64,
    /// Refused from then on, with no leeway.
    pub exp: i64,
}

/// Makes tokens, and reads only those it made.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    ttl: Duration,
}

impl Tokens {
    /// Tokens signed with `secret` that hold for `ttl`.
    #[must_use]
    pub fn new(secret: &Secret, ttl: Duration) -> Self {
        // An error says that it was installed before.
        let _ = HS256_ONLY.install_default();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        Self {
            encoding: EncodingKey::from_secret(secret.bytes()),
            decoding: DecodingKey::from_secret(secret.bytes()),
            validation,
            ttl,
        }
    }

    /// When a token that is made at `now` expires: a whole second, since that
    /// is what a token can say.
    #[must_use]
    pub fn expiry(&self, now: Millis) -> Millis {
        Millis(now.after(self.ttl).seconds() * 1000)
    }

    /// A token for a login.
    ///
    /// # Errors
    /// None that depend on the claims; the signature could not be made.
    pub fn issue(
        &self,
        user: UserId,
        login: LoginId,
        now: Millis,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub: user.0,
            sid: login,
            iat: now.seconds(),
            exp: self.expiry(now).seconds(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
    }

    /// What `token` says, where it was made here and hasn't expired.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<Claims> {
        jsonwebtoken::decode(token, &self.decoding, &self.validation)
            .ok()
            .map(|data| data.claims)
    }
}

/// jsonwebtoken without a crypto backend of its own: HS256 is all we use, and
/// a token of any other kind is refused before its signature is looked at.
static HS256_ONLY: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256::new(key.as_bytes())?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(key: &[u8]) -> Result<Self, ErrorKind> {
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(|_| ErrorKind::InvalidKeyFormat)
    }

    fn over(&self, message: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(message)
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.over(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // Compares in constant time.
        self.over(message)
            .verify_slice(signature)
            .map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &i64, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(folder: &std::path::Path) -> Tokens {
        let secret = Secret::load_or_create(folder).unwrap();
        Tokens::new(&secret, Duration::from_secs(60))
    }

    #[test]
    fn a_token_is_read_by_who_made_it_alone() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let token = tokens(one.path())
            .issue(UserId(7), LoginId(9), Millis::now())
            .unwrap();
        let claims = tokens(one.path()).read(&token).unwrap();
        assert_eq!((claims.sub, claims.sid), (7, LoginId(9)));
        assert_eq!(tokens(two.path()).read(&token), None);
    }

    #[test]
    fn an_expired_token_has_no_leeway() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = tokens(folder.path());
        let made = Millis::now().before(Duration::from_secs(61));
        let token = tokens.issue(UserId(7), LoginId(9), made).unwrap();
        assert_eq!(tokens.read(&token), None);
    }

    #[test]
    fn a_token_of_another_kind_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = tokens(folder.path());
        // {"alg":"none"} . {"sub":"7","sid":9,"iat":0,"exp":9999999999} . nothing
        let none =
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3Iiwic2lkIjo5LCJpYXQiOjAsImV4cCI6OTk5OTk5OTk5OX0.";
        assert_eq!(tokens.read(none), None);
    }
}
