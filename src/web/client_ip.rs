//! The client's address.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;

use super::AppState;
use crate::config::{TrustedProxies, is_private_address};
use crate::engine::rates::RequestOrigin;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns the origin of a request for rate limits. The address of an untrusted
/// proxy is shared by many users.
pub(super) fn client_origin(app: &AppState, request: &HttpRequest) -> RequestOrigin {
    let trusted = &app.settings.trusted_proxies;
    let origin = RequestOrigin::of(client_address(request, trusted));
    let names_others = request.headers().contains_key(FORWARDED_FOR);
    let peer = request.peer_addr().map(|at| at.ip().to_canonical());
    let unnamed = peer.filter(|peer| !trusted.contains(*peer) && is_private_address(*peer));
    match unnamed {
        Some(peer) if names_others => {
            app.untrusted_proxies.record(peer);
            origin.shared()
        }
        _ => origin,
    }
}

/// Returns the address of the peer. If the peer is a trusted proxy, returns the
/// last forwarded address that is not trusted. A client could forge the
/// addresses before that one.
pub(super) fn client_address(request: &HttpRequest, trusted: &TrustedProxies) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let named: Vec<&str> = request
        .headers()
        .get_all(FORWARDED_FOR)
        // Read as bytes: an entry that is not text must not hide the entries
        // that proxies appended.
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|name| std::str::from_utf8(name).unwrap_or_default())
        .collect();
    Some(resolve_forwarded(peer, &named, trusted))
}

fn resolve_forwarded(peer: IpAddr, named: &[&str], trusted: &TrustedProxies) -> IpAddr {
    let mut nearest = peer;
    for text in named.iter().rev() {
        if !trusted.contains(nearest) {
            break;
        }
        // An unreadable entry gives no address. The last known address is then
        // that of the proxy that forwarded it.
        let Some(address) = parse_address(text.trim()) else {
            break;
        };
        nearest = address;
    }
    nearest
}

/// Parses an address with or without a port, which some proxies add.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|at| at.ip());
    Some(address.or_else(with_port)?.to_canonical())
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::config::{SettingOverrides, Settings};

    fn trusted(list: &str) -> TrustedProxies {
        let matches = SettingOverrides::augment_args(clap::Command::new("tidings"))
            .mut_args(|arg| arg.env(None::<&str>))
            .get_matches_from(["tidings", "--trusted-proxies", list]);
        let overrides = SettingOverrides::from_arg_matches(&matches).unwrap();
        Settings::resolve(overrides).unwrap().trusted_proxies
    }

    #[test]
    fn forwarded_address_requires_trusted_proxy() {
        let proxies = trusted("127.0.0.1,10.0.0.0/8");
        for (peer, named, found) in [
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.1", "1.2.3.4", "1.2.3.4"),
            ("127.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("127.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"),
            ("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
            ("127.0.0.1", "6.6.6.6, rubbish", "127.0.0.1"),
            ("127.0.0.1", "1.2.3.4:5678", "1.2.3.4"),
            ("127.0.0.1", "[2001:db8::1]:5678", "2001:db8::1"),
            ("127.0.0.1", "::ffff:1.2.3.4", "1.2.3.4"),
            ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
        ] {
            let named: Vec<&str> = named.split(',').filter(|text| !text.is_empty()).collect();
            let answer = resolve_forwarded(peer.parse().unwrap(), &named, &proxies);
            assert_eq!(answer.to_string(), found, "{peer} {named:?}");
        }
    }
}
