//! The origin of a request, as limits and queues count it.

use std::net::{IpAddr, Ipv4Addr};

/// The factor of the limits for an address that many users share.
pub const SHARED_ADDRESS_FACTOR: u32 = 20;

/// The address that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestOrigin {
    address: IpAddr,
    is_shared: bool,
}

/// A network of addresses. IPv4 addresses are mapped into IPv6 (RFC 4291,
/// section 2.5.5.2), so that one number identifies the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork {
    bits: u128,
    prefix: u32,
}

impl RequestOrigin {
    /// Returns the origin of an address; all requests without an address share
    /// one origin.
    #[must_use]
    pub fn of(address: Option<IpAddr>) -> Self {
        let address = address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        Self {
            address: address.to_canonical(),
            is_shared: false,
        }
    }

    /// Marks the address as shared by many users: a proxy that no setting
    /// names.
    #[must_use]
    pub fn shared(self) -> Self {
        Self {
            is_shared: true,
            ..self
        }
    }

    /// Returns the factor by which the limits of an address are multiplied.
    #[must_use]
    pub fn limit_factor(self) -> u32 {
        if self.is_shared {
            SHARED_ADDRESS_FACTOR
        } else {
            1
        }
    }

    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Returns one customer's network: an IPv4 address, or 64 bits of IPv6.
    #[must_use]
    pub fn customer_network(self) -> ClientNetwork {
        match self.address {
            IpAddr::V4(_) => ClientNetwork::of(self.address, 128),
            IpAddr::V6(_) => ClientNetwork::of(self.address, 64),
        }
    }

    /// Returns the IPv6 network with this prefix length, or none for IPv4,
    /// where adjacent addresses belong to different customers.
    #[must_use]
    pub fn ipv6_network(self, prefix: u32) -> Option<ClientNetwork> {
        let is_wide = matches!(self.address, IpAddr::V6(_));
        is_wide.then(|| ClientNetwork::of(self.address, prefix))
    }

    /// Returns the network by which the server recognizes a user, although the
    /// provider assigns a new address each day: 24 bits of IPv4, 48 of IPv6.
    #[must_use]
    pub fn home_network(self) -> ClientNetwork {
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

    fn origin(text: &str) -> RequestOrigin {
        RequestOrigin::of(Some(text.parse().unwrap()))
    }

    #[test]
    fn customer_of_ipv6_is_64_bits() {
        let customer = |text| origin(text).customer_network();
        assert_eq!(
            customer("2001:db8:1:2::1"),
            customer("2001:db8:1:2:ffff::9")
        );
        assert_ne!(customer("2001:db8:1:2::1"), customer("2001:db8:1:3::1"));
        assert_ne!(customer("10.0.0.1"), customer("10.0.0.2"));
        assert_eq!(customer("::ffff:10.0.0.1"), customer("10.0.0.1"));
    }

    #[test]
    fn wider_networks_exist_only_for_ipv6() {
        let wider = |text, prefix| origin(text).ipv6_network(prefix);
        assert_eq!(wider("2001:db8:1:2::1", 48), wider("2001:db8:1:ffff::", 48));
        assert_ne!(wider("2001:db8:1:2::1", 56), wider("2001:db8:1:102::1", 56));
        assert_eq!(wider("10.0.0.1", 48), None);
    }

    #[test]
    fn home_spans_a_providers_range() {
        let home = |text| origin(text).home_network();
        assert_eq!(home("10.0.0.1"), home("10.0.0.255"));
        assert_ne!(home("10.0.0.1"), home("10.0.1.1"));
        assert_eq!(home("2001:db8:1:2::1"), home("2001:db8:1:ffff::1"));
        assert_ne!(home("2001:db8:1::"), home("2001:db8:2::"));
    }
}
