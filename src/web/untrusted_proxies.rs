//! Proxies that the settings don't name. All users of such a proxy share one
//! address, so the limits of an address could lock them all out.

use std::collections::BTreeSet;
use std::net::IpAddr;

use parking_lot::Mutex;

/// The maximum number of proxies that are recorded; each causes one log line.
const MAX_PROXIES: usize = 16;

/// The private addresses that sent forwarding headers and aren't trusted.
#[derive(Debug, Default)]
pub struct UntrustedProxies(Mutex<BTreeSet<IpAddr>>);

impl UntrustedProxies {
    /// Records a proxy, and logs it the first time.
    pub(super) fn record(&self, address: IpAddr) {
        let mut known = self.0.lock();
        if known.len() < MAX_PROXIES && known.insert(address) {
            tracing::warn!(%address, "{}", warning_text(&address.to_string()));
        }
    }

    /// Returns whether requests from this address had forwarding headers.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.lock().contains(&address)
    }

    /// Returns a warning for the operator, if any proxy was recorded.
    pub(super) fn warning(&self) -> Option<String> {
        let known = self.0.lock();
        let names: Vec<String> = known.iter().map(IpAddr::to_string).collect();
        (!names.is_empty()).then(|| warning_text(&names.join(", ")))
    }
}

fn warning_text(addresses: &str) -> String {
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
    fn untrusted_proxies_are_bounded() {
        let forwarders = UntrustedProxies::default();
        assert_eq!(forwarders.warning(), None);
        for host in 0..200 {
            forwarders.record(IpAddr::from([10, 0, 0, host]));
        }
        assert!(forwarders.contains(IpAddr::from([10, 0, 0, 0])));
        assert_eq!(forwarders.0.lock().len(), MAX_PROXIES);
        let warning = forwarders.warning().unwrap();
        assert!(warning.starts_with("Requests from 10.0.0.0, 10.0.0.1"));
    }
}
