//! Proxies that no setting names. All their users come from one address, so
//! that the limits of an address would lock out all of them together.

use std::collections::BTreeSet;
use std::net::IpAddr;

use parking_lot::Mutex;

/// The most of them that are kept: each is one line of the log.
const KEPT: usize = 16;

/// The private addresses whose requests name others and aren't trusted.
#[derive(Debug, Default)]
pub struct Forwarders(Mutex<BTreeSet<IpAddr>>);

impl Forwarders {
    /// Notes one; the first time, the log says so.
    pub(super) fn note(&self, address: IpAddr) {
        let mut known = self.0.lock();
        if known.len() < KEPT && known.insert(address) {
            tracing::warn!(%address, "{}", warning(&address.to_string()));
        }
    }

    /// Whether requests of this address named others.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.lock().contains(&address)
    }

    /// What an operator should know of it.
    pub(super) fn warning(&self) -> Option<String> {
        let known = self.0.lock();
        let names: Vec<String> = known.iter().map(IpAddr::to_string).collect();
        (!names.is_empty()).then(|| warning(&names.join(", ")))
    }
}

fn warning(addresses: &str) -> String {
    format!(
        "Requests from {addresses} name other addresses in X-Forwarded-For, and \
         TIDINGS_TRUSTED_PROXIES doesn't name a proxy there. Its users share the limits of \
         one address, which are 20 times as large until it is named."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarders_are_bounded() {
        let forwarders = Forwarders::default();
        assert_eq!(forwarders.warning(), None);
        for host in 0..200 {
            forwarders.note(IpAddr::from([10, 0, 0, host]));
        }
        assert!(forwarders.contains(IpAddr::from([10, 0, 0, 0])));
        assert_eq!(forwarders.0.lock().len(), KEPT);
        let warning = forwarders.warning().unwrap();
        assert!(warning.starts_with("Requests from 10.0.0.0, 10.0.0.1"));
    }
}
