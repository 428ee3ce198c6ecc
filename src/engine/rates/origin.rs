//! Where a request comes from, as limits and queues count it.

use std::net::{IpAddr, Ipv4Addr};

/// The limits of an address that many users share, as a multiple.
pub const SHARE_OF_MANY: u32 = 20;

/// The address that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    address: IpAddr,
    is_of_many: bool,
}

/// A network of addresses. IPv4 has its own range of IPv6 here (RFC 4291,
/// section 2.5.5.2), so that one number says which network it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork {
    bits: u128,
    prefix: u32,
}

impl Origin {
    /// An address; requests that have none share one.
    #[must_use]
    pub fn of(address: Option<IpAddr>) -> Self {
        let address = address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        Self {
            address: address.to_canonical(),
            is_of_many: false,
        }
    }

    /// The same address, which many users share: a proxy that no setting names.
    #[must_use]
    pub fn of_many(self) -> Self {
        Self {
            is_of_many: true,
            ..self
        }
    }

    /// How many times the usual limits of an address it has.
    #[must_use]
    pub fn share(self) -> u32 {
        if self.is_of_many { SHARE_OF_MANY } else { 1 }
    }

    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// What one customer has: an address, or an IPv6 network of 64 bits.
    #[must_use]
    pub fn customer(self) -> ClientNetwork {
        match self.address {
            IpAddr::V4(_) => ClientNetwork::of(self.address, 128),
            IpAddr::V6(_) => ClientNetwork::of(self.address, 64),
        }
    }

    /// The IPv6 network of so many bits. IPv4 has none: addresses beside each
    /// other belong to different customers there.
    #[must_use]
    pub fn wider(self, prefix: u32) -> Option<ClientNetwork> {
        let is_wide = matches!(self.address, IpAddr::V6(_));
        is_wide.then(|| ClientNetwork::of(self.address, prefix))
    }

    /// The network by which a server knows a user again, although a provider
    /// gives another address each day: 24 bits of IPv4, 48 of IPv6.
    #[must_use]
    pub fn home(self) -> ClientNetwork {
        match self.address {
            IpAddr::V4(_) => ClientNetwork::of(self.address, 96 + 24),
            IpAddr::V6(_) => ClientNetwork::of(self.address, 48),
        }
    }
}

impl ClientNetwork {
    fn of(address: IpAddr, prefix: u32) -> Self {
        let bits = match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
        Self {
            bits: bits & !host,
            prefix,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::of(Some(text.parse().unwrap()))
    }

    #[test]
    fn customer_of_ipv6_is_64_bits() {
        let customer = |text| origin(text).customer();
        assert_eq!(
            customer("2001:db8:1:2::1"),
            customer("2001:db8:1:2:ffff::9")
        );
        assert_ne!(customer("2001:db8:1:2::1"), customer("2001:db8:1:3::1"));
        assert_ne!(customer("10.0.0.1"), customer("10.0.0.2"));
        assert_eq!(customer("::ffff:10.0.0.1"), customer("10.0.0.1"));
    }

    #[test]
    fn wider_networks_are_of_ipv6_alone() {
        let wider = |text, prefix| origin(text).wider(prefix);
        assert_eq!(wider("2001:db8:1:2::1", 48), wider("2001:db8:1:ffff::", 48));
        assert_ne!(wider("2001:db8:1:2::1", 56), wider("2001:db8:1:102::1", 56));
        assert_eq!(wider("10.0.0.1", 48), None);
    }

    #[test]
    fn home_spans_a_providers_range() {
        let home = |text| origin(text).home();
        assert_eq!(home("10.0.0.1"), home("10.0.0.255"));
        assert_ne!(home("10.0.0.1"), home("10.0.1.1"));
        assert_eq!(home("2001:db8:1:2::1"), home("2001:db8:1:ffff::1"));
        assert_ne!(home("2001:db8:1::"), home("2001:db8:2::"));
    }
}
