//! Who may read the metrics, and where.

use std::fmt;
use std::net::SocketAddr;

/// Shorter ones could be guessed.
const TOKEN_MIN: usize = 16;

/// Where the metrics are, if anywhere: on a listener of their own, else behind
/// a token on the public one. Where there are both, the listener asks for the
/// token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Where they alone are served. Port 0 takes any free one.
    pub listen: Option<SocketAddr>,
    /// What whoever reads them has to know.
    pub token: Option<MetricsToken>,
}

impl Metrics {
    /// Whether the public listener has them: never without a token.
    #[must_use]
    pub fn are_public(&self) -> bool {
        self.listen.is_none() && self.token.is_some()
    }
}

/// A secret that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct MetricsToken(String);

impl MetricsToken {
    /// Its bytes, to be compared.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Reads one. The error is what would have been right.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let fits = text.len() >= TOKEN_MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
            .ok_or("at least 16 letters, digits and signs in ASCII, without a space")
    }
}

impl fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_never_shown() {
        assert!(MetricsToken::read("0123456789abcde").is_err(), "too short");
        assert!(MetricsToken::read("0123456789 abcdefgh").is_err());
        let token = MetricsToken::read("0123456789abcdef").unwrap();
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn the_public_has_them_only_with_a_token_and_nowhere_else() {
        let token = MetricsToken::read("0123456789abcdef").ok();
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 9)));
        for (listen, token, are_public) in [
            (None, None, false),
            (listen, None, false),
            (None, token.clone(), true),
            (listen, token, false),
        ] {
            assert_eq!(Metrics { listen, token }.are_public(), are_public);
        }
    }
}
