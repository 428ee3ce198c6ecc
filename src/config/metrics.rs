//! The address and the token of the metrics.

use std::fmt;
use std::net::SocketAddr;

/// The shortest token: a shorter one could be guessed.
const TOKEN_MIN: usize = 16;

/// Where the metrics are served, if at all: on a listener of their own, or on
/// the public listener with a token. If both are set, the separate listener
/// requires the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Address of the listener for metrics alone. Port 0 takes any free port.
    pub listen: Option<SocketAddr>,
    /// The bearer token that a reader of the metrics must send.
    pub token: Option<MetricsToken>,
}

impl MetricsSettings {
    /// Returns whether the public listener serves the metrics: never without a
    /// token.
    #[must_use]
    pub fn are_public(&self) -> bool {
        self.listen.is_none() && self.token.is_some()
    }
}

/// A secret that is never displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct MetricsToken(String);

impl MetricsToken {
    /// Returns the bytes, for a comparison.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Parses a token. The error describes the expected format.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let fits = text.len() >= TOKEN_MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
            .ok_or("at least 16 printable ASCII characters without spaces")
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
    fn token_is_validated_and_hidden() {
        assert!(MetricsToken::read("0123456789abcde").is_err(), "too short");
        assert!(MetricsToken::read("0123456789 abcdefgh").is_err());
        let token = MetricsToken::read("0123456789abcdef").unwrap();
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn public_metrics_need_token_without_listener() {
        let token = MetricsToken::read("0123456789abcdef").ok();
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 9)));
        for (listen, token, are_public) in [
            (None, None, false),
            (listen, None, false),
            (None, token.clone(), true),
            (listen, token, false),
        ] {
            assert_eq!(MetricsSettings { listen, token }.are_public(), are_public);
        }
    }
}
