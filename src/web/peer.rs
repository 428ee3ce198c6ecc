//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;

use super::State;
use crate::config::{TrustedProxies, is_private_address};
use crate::engine::rates::Origin;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Where a request comes from, as limits count it. A proxy that no setting
/// names is one address with many users.
pub(super) fn origin(app: &State, request: &HttpRequest) -> Origin {
    let trusted = &app.settings.trusted_proxies;
    let origin = Origin::of(address(request, trusted));
    let names_others = request.headers().contains_key(FORWARDED_FOR);
    let peer = request.peer_addr().map(|at| at.ip().to_canonical());
    let unnamed = peer.filter(|peer| !trusted.contains(*peer) && is_private_address(*peer));
    match unnamed {
        Some(peer) if names_others => {
            app.forwarders.note(peer);
            origin.of_many()
        }
        _ => origin,
    }
}

/// The address at the other end; where that is a trusted proxy, the last
/// that isn't one of those that they name. Anybody could have written what
/// stands before that.
pub(super) fn address(request: &HttpRequest, trusted: &TrustedProxies) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let named: Vec<&str> = request
        .headers()
        .get_all(FORWARDED_FOR)
        // Bytes, since one that is no text makes its own name unreadable, not
        // those that proxies put after it.
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|name| std::str::from_utf8(name).unwrap_or_default())
        .collect();
    Some(behind(peer, &named, trusted))
}

fn behind(peer: IpAddr, named: &[&str], trusted: &TrustedProxies) -> IpAddr {
    let mut nearest = peer;
    for text in named.iter().rev() {
        if !trusted.contains(nearest) {
            break;
        }
        // What can't be read names nobody: the proxy that passed it on is the
        // last that is known.
        let Some(address) = read(text.trim()) else {
            break;
        };
        nearest = address;
    }
    nearest
}

/// Some proxies add the port.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|at| at.ip());
    Some(address.or_else(with_port)?.to_canonical())
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;
    use crate::config::{Overrides, Settings};

    fn trusted(list: &str) -> TrustedProxies {
        let matches = Overrides::augment_args(clap::Command::new("tidings"))
            .mut_args(|arg| arg.env(None::<&str>))
            .get_matches_from(["tidings", "--trusted-proxies", list]);
        let overrides = Overrides::from_arg_matches(&matches).unwrap();
        Settings::resolve(overrides).unwrap().trusted_proxies
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
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
            let answer = behind(peer.parse().unwrap(), &named, &proxies);
            assert_eq!(answer.to_string(), found, "{peer} {named:?}");
        }
    }
}
