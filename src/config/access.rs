//! Registration policy, trusted proxies and allowed origins.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::PublicUrl;

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, net) in self.0.iter().enumerate() {
            let gap = if at > 0 { ", " } else { "" };
            write!(f, "{gap}{net}")?;
        }
        Ok(())
    }
}

/// The registration policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Every visitor may register.
    Open,
    /// Registration needs an invitation code.
    Invite,
    /// No visitor may register; the command line still creates accounts.
    Closed,
}

/// Proxies whose `X-Forwarded-For` header is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether `address` is a trusted proxy.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Parses a list separated by commas. The error describes the expected
    /// format.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        split_list(text)
            .map(|part| {
                let address = part.parse::<IpAddr>().map(IpNet::from);
                address.or_else(|_| part.parse())
            })
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|_| "IP addresses or networks separated by commas, such as 10.0.0.0/8,::1")
    }
}

impl Registration {
    /// Parses a registration policy. The error describes the expected format.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        match text {
            "open" => Ok(Self::Open),
            "invite" => Ok(Self::Invite),
            "closed" => Ok(Self::Closed),
            _ => Err("open, invite or closed"),
        }
    }
}

/// Returns whether an address is loopback, link-local or of a private network.
/// A proxy that the operator forgot to name may have such an address.
#[must_use]
pub fn is_private_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            // RFC 6598: shared address space of providers, also used inside
            // clusters.
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && second & 0b1100_0000 == 64;
            address.is_loopback() || address.is_private() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Parses origins separated by commas. The error describes the expected format.
pub(super) fn read_origins(text: &str) -> Result<Vec<PublicUrl>, &'static str> {
    split_list(text)
        .map(PublicUrl::read)
        .collect::<Result<_, _>>()
        .map_err(|_| "origins separated by commas, such as https://app.example.org")
}

fn split_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_or_networks() {
        let proxies = TrustedProxies::read("127.0.0.1, 10.1.0.0/16 ,fd00::/8,").unwrap();
        for (address, is_one) in [
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("10.1.255.1", true),
            ("10.2.0.1", false),
            ("fd00::1", true),
            ("::1", false),
        ] {
            assert_eq!(proxies.contains(address.parse().unwrap()), is_one);
        }
        assert!(TrustedProxies::read("10.0.0.0/33").is_err());
        assert!(TrustedProxies::read("localhost").is_err());
    }

    #[test]
    fn private_addresses_are_recognised() {
        for (text, expected) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("172.17.0.1", true),
            ("::ffff:192.168.0.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("203.0.113.1", false),
            ("::1", true),
            ("fd00::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(
                is_private_address(text.parse().unwrap()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn origins_are_normalized() {
        let origins = read_origins("https://App.example.org/, http://localhost:3000").unwrap();
        let origins: Vec<_> = origins.iter().map(PublicUrl::origin).collect();
        assert_eq!(
            origins,
            ["https://app.example.org", "http://localhost:3000"]
        );
        assert!(read_origins("*").is_err());
    }
}
