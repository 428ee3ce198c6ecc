//! What browsers know this server by.

use std::fmt;
use std::net::Ipv6Addr;

/// An origin: a scheme, a host, and a port where it isn't the scheme's own;
/// spelled as browsers spell it in an `Origin` header, so that the two can be
/// compared as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// As in an `Origin` header: no slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0
    }

    /// Whether browsers come over TLS, so that cookies may be `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Reads a URL. The error is what would have been right.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        origin(text)
            .map(Self)
            .ok_or("http:// or https://, a host and maybe a port, such as https://chat.example.org")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn origin(text: &str) -> Option<String> {
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
    let host = host_as_browsers_spell_it(host)?;
    if port == own_port {
        Some(format!("{scheme}://{host}"))
    } else {
        Some(format!("{scheme}://{host}:{port}"))
    }
}

/// A name in other than ASCII would have to be given in its `xn--` form, as
/// browsers send it.
fn host_as_browsers_spell_it(host: &str) -> Option<String> {
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
    fn it_is_spelled_as_browsers_do() {
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
    fn anything_but_an_origin_is_refused() {
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
    fn only_https_is_https() {
        assert!(PublicUrl::read("https://a").unwrap().is_https());
        assert!(!PublicUrl::read("http://https").unwrap().is_https());
    }
}
