//! Login tokens: JWTs (RFC 7519) signed with HS256. A token names a login; the
//! store knows whether the login is still valid.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{LoginId, Millis, UserId};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Signer, Verifier};

use super::{FormerSecret, Secret};

/// The claims of a login token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenClaims {
    /// The user's id: a string, as RFC 7519 requires.
    #[serde(with = "as_text")]
    pub sub: i64,
    /// The login's id.
    pub sid: LoginId,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Time of expiry, in seconds since 1970, without leeway.
    pub exp: i64,
}

/// Issues tokens, and reads only those that it issued.
pub struct LoginTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    former: Option<FormerKey>,
    validation: Validation,
    ttl: Duration,
}

/// The former key, until every token that it signed has expired.
struct FormerKey {
    decoding: DecodingKey,
    until: Millis,
}

impl LoginTokens {
    /// Creates tokens signed with `secret` that expire after `ttl`.
    #[must_use]
    pub fn new(secret: &Secret, ttl: Duration) -> Self {
        // An error means that a provider is installed already.
        let _ = HS256_ONLY.install_default();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        Self {
            encoding: EncodingKey::from_secret(secret.bytes()),
            decoding: DecodingKey::from_secret(secret.bytes()),
            former: None,
            validation,
            ttl,
        }
    }

    /// Also accepts tokens of the former secret, for one token lifetime after
    /// the secret's replacement.
    #[must_use]
    pub fn with_former(self, former: Option<&FormerSecret>) -> Self {
        let former = former.map(|former| FormerKey {
            decoding: DecodingKey::from_secret(former.secret().bytes()),
            until: former.replaced_at().after(self.ttl),
        });
        Self { former, ..self }
    }

    /// Returns when a token issued at `now` expires, in whole seconds as in a
    /// token.
    #[must_use]
    pub fn expiry(&self, now: Millis) -> Millis {
        Millis(now.after(self.ttl).seconds() * 1000)
    }

    /// Issues a token for a login.
    ///
    /// # Errors
    /// If the signature can't be computed; never because of the claims.
    pub fn issue(
        &self,
        user: UserId,
        login: LoginId,
        now: Millis,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = TokenClaims {
            sub: user.0,
            sid: login,
            iat: now.seconds(),
            exp: self.expiry(now).seconds(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
    }

    /// Returns the claims of `token` if it was signed here and hasn't expired.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<TokenClaims> {
        self.read_at(token, Millis::now())
    }

    fn read_at(&self, token: &str, now: Millis) -> Option<TokenClaims> {
        if has_critical_header(token) {
            return None;
        }
        let by = |key| jsonwebtoken::decode(token, key, &self.validation).ok();
        let former = self.former.as_ref().filter(|former| now < former.until);
        let read = by(&self.decoding).or_else(|| by(&former?.decoding));
        read.map(|data| data.claims)
    }
}

/// Returns whether a token's header names critical extensions (RFC 7515,
/// section 4.1.11). None are supported.
fn has_critical_header(token: &str) -> bool {
    let header = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header = serde_json::from_slice::<HashMap<String, IgnoredAny>>(&header);
    header.is_ok_and(|header| header.contains_key("crit"))
}

/// A provider for jsonwebtoken without its crypto backends, because only HS256
/// is used. A token with another algorithm is refused before its signature is
/// checked.
static HS256_ONLY: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256Key::new(key.as_bytes())?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256Key::new(key.try_get_as_bytes()?)?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256Key(Hmac<Sha256>);

impl Hs256Key {
    fn new(key: &[u8]) -> Result<Self, ErrorKind> {
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(|_| ErrorKind::InvalidKeyFormat)
    }

    fn mac_of(&self, message: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(message)
    }
}

impl Signer<Vec<u8>> for Hs256Key {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.mac_of(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256Key {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // Compares in constant time.
        self.mac_of(message)
            .verify_slice(signature)
            .map_err(signature::Error::from_source)
    }
}

impl JwtSigner for Hs256Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256Key {
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

    fn test_tokens(folder: &std::path::Path) -> LoginTokens {
        let secret = Secret::load_or_create(folder).unwrap();
        LoginTokens::new(&secret, Duration::from_secs(60))
    }

    #[test]
    fn token_needs_its_own_secret() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let token = test_tokens(one.path())
            .issue(UserId(7), LoginId(9), Millis::now())
            .unwrap();
        let claims = test_tokens(one.path()).read(&token).unwrap();
        assert_eq!((claims.sub, claims.sid), (7, LoginId(9)));
        assert_eq!(test_tokens(two.path()).read(&token), None);
    }

    #[test]
    fn expired_token_has_no_leeway() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = test_tokens(folder.path());
        let made = Millis::now().before(Duration::from_secs(61));
        let token = tokens.issue(UserId(7), LoginId(9), made).unwrap();
        assert_eq!(tokens.read(&token), None);
    }

    #[test]
    fn unsigned_token_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = test_tokens(folder.path());
        // {"alg":"none"} . {"sub":"7","sid":9,"iat":0,"exp":9999999999} . nothing
        let none =
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3Iiwic2lkIjo5LCJpYXQiOjAsImV4cCI6OTk5OTk5OTk5OX0.";
        assert_eq!(tokens.read(none), None);
    }

    #[test]
    fn former_key_expires_after_one_lifetime() {
        let folder = tempfile::tempdir().unwrap();
        let ttl = Duration::from_secs(60);
        let issued = |tokens: &LoginTokens| tokens.issue(UserId(7), LoginId(9), Millis::now());
        let before = issued(&test_tokens(folder.path())).unwrap();
        let now = Millis::now();
        let secret = Secret::rotate(folder.path(), now).unwrap();
        let former = FormerSecret::load(folder.path()).unwrap().unwrap();
        let after = LoginTokens::new(&secret, ttl).with_former(Some(&former));
        assert!(after.read_at(&before, now).is_some());
        assert_eq!(after.read_at(&before, now.after(ttl)), None);
        let new = issued(&after).unwrap();
        assert!(after.read_at(&new, now.after(ttl)).is_some());
        assert_eq!(test_tokens(folder.path()).read(&before), None);
        // A second rotation replaces the former secret.
        let secret = Secret::rotate(folder.path(), now).unwrap();
        let former = FormerSecret::load(folder.path()).unwrap();
        let again = LoginTokens::new(&secret, ttl).with_former(former.as_ref());
        assert_eq!(again.read_at(&before, now), None);
        assert!(again.read_at(&new, now).is_some());
    }

    #[test]
    fn crit_and_future_nbf_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = test_tokens(folder.path());
        let now = Millis::now().seconds();
        let signed = |header: &str, nbf: i64| {
            let claims = format!(
                r#"{{"sub":"7","sid":9,"iat":{now},"exp":{},"nbf":{nbf}}}"#,
                now + 60
            );
            let text = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header),
                URL_SAFE_NO_PAD.encode(claims)
            );
            let secret = Secret::load_or_create(folder.path()).unwrap();
            let code = Hs256Key::new(secret.bytes())
                .unwrap()
                .mac_of(text.as_bytes());
            format!(
                "{text}.{}",
                URL_SAFE_NO_PAD.encode(code.finalize().into_bytes())
            )
        };
        let plain = r#"{"alg":"HS256"}"#;
        assert!(tokens.read(&signed(plain, now)).is_some());
        assert_eq!(tokens.read(&signed(plain, now + 30)), None);
        let crit = r#"{"alg":"HS256","crit":["exp"],"exp":1}"#;
        assert_eq!(tokens.read(&signed(crit, now)), None);
    }
}
