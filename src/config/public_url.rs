//! The URL by which browsers reach this server.

use std::fmt;
use std::net::Ipv6Addr;

/// An origin: a scheme, a host, and a port if it isn't the scheme's default. It
/// is spelled as in the `Origin` header of browsers, so that both can be
/// compared as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Returns the origin as in an `Origin` header: no slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0
    }

    /// Returns whether browsers use TLS, so that cookies may be `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Parses a URL. The error describes the expected format.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        parse_origin(text).map(Self).ok_or(
            "http:// or https://, a host and optionally a port, such as \
                    https://chat.example.org",
        )
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn parse_origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://")?;
    let own_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => (host, port.parse::<u16>().ok()?),
        _ => (rest, own_port),
    };
    let host = normalize_host(host)?;
    if port == own_port {
        Some(format!("{scheme}://{host}"))
    } else {
        Some(format!("{scheme}://{host}:{port}"))
    }
}

/// Returns the host as browsers spell it. A name outside ASCII must be given in
/// its `xn--` form, which browsers send.
fn normalize_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (!host.is_empty() && host.chars().all(fits)).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_normalized_to_origin() {
        for (text, origin) in [
            ("https://chat.example.org", "https://chat.example.org"),
            ("HTTPS://Chat.Example.org/", "https://chat.example.org"),
            ("https://chat.example.org:443", "https://chat.example.org"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("http://[0::1]:8000/", "http://[::1]:8000"),
        ] {
            assert_eq!(PublicUrl::read(text).unwrap().origin(), origin);
        }
    }

    #[test]
    fn malformed_origins_are_refused() {
        for text in [
            "chat.example.org",
            "ftp://chat.example.org",
            "https://",
            "https://:8000",
            "https://chat.example.org/tidings",
            "https://chat.example.org?a=b",
            "https://chat.example.org:",
            "https://chat.example.org:70000",
            "https://ann:secret@chat.example.org",
            "https://[::1",
            "https://chat example.org",
        ] {
            assert!(PublicUrl::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn https_scheme_is_recognised() {
        assert!(PublicUrl::read("https://a").unwrap().is_https());
        assert!(!PublicUrl::read("http://https").unwrap().is_https());
    }
}
