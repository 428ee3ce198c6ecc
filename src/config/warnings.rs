//! Warnings about settings that are unsafe if other machines can reach the
//! server. They are logged at the start and shown to admins.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::{PublicUrl, RateLimits, Registration, Settings, is_private_address};

/// The properties of a machine that make settings unsafe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostEnvironment {
    /// The gateway of the container that the server runs in: requests to a
    /// published port come from there.
    pub(super) container_gateway: Option<IpAddr>,
}

impl HostEnvironment {
    /// Detects the properties of this machine.
    #[must_use]
    pub(super) fn detect() -> Self {
        let signs = ["/.dockerenv", "/run/.containerenv"];
        let is_container = signs.iter().any(|sign| Path::new(sign).exists());
        let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
        Self {
            container_gateway: find_gateway(&routes).filter(|_| is_container),
        }
    }
}

/// Returns the gateway of the default route in `/proc/net/route`: hexadecimal,
/// in the byte order of the machine.
fn find_gateway(routes: &str) -> Option<IpAddr> {
    let mut rows = routes
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = rows.find_map(|row| match row[..] {
        [_, "00000000", gateway, ..] => u32::from_str_radix(gateway, 16).ok(),
        _ => None,
    })?;
    Some(Ipv4Addr::from(found.to_ne_bytes()).into())
}

impl Settings {
    /// Returns a warning of a few sentences for each unsafe setting.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.warnings_in(&HostEnvironment::detect())
    }

    fn warnings_in(&self, surroundings: &HostEnvironment) -> Vec<String> {
        let mut warnings = Vec::new();
        let is_public = !self.listen.ip().is_loopback();
        match &self.public_url {
            Some(url) if url.is_https() => {}
            Some(url) if !is_public && !url.is_loopback() => warnings.push(format!(
                "Browsers reach {url} over plain HTTP: anyone on the network path can read \
                 passwords and messages. Use HTTPS at the proxy, and set TIDINGS_PUBLIC_URL to \
                 its https:// address."
            )),
            _ if is_public => warnings.push(
                "This server listens on a public address over plain HTTP: anyone on the network \
                 path can read passwords and messages. Put it behind a proxy that uses HTTPS, \
                 and set TIDINGS_PUBLIC_URL."
                    .to_owned(),
            ),
            _ => {}
        }
        if is_public && self.registration == Registration::Open {
            warnings.push(
                "Anyone who can reach this server can create an account. To prevent that, set \
                 TIDINGS_REGISTRATION (--registration) to invite or closed."
                    .to_owned(),
            );
        }
        warnings.extend(self.proxy_warning(surroundings));
        warnings.extend(rate_limit_warning(&self.rates));
        let metrics = &self.metrics;
        if let (Some(listen), None) = (metrics.listen, &metrics.token)
            && !listen.ip().is_loopback()
        {
            warnings.push(format!(
                "The metrics on {listen} are open to anyone who can reach it, and show how much \
                 users write and when. Set TIDINGS_METRICS_TOKEN, or set TIDINGS_METRICS_LISTEN \
                 to a private address."
            ));
        }
        warnings
    }

    /// Warns if a proxy must be in front but none is named. Also warns if
    /// clients share the address of a named proxy.
    fn proxy_warning(&self, surroundings: &HostEnvironment) -> Option<String> {
        let is_https = self.public_url.as_ref().is_some_and(PublicUrl::is_https);
        let listens = self.listen.ip();
        let is_behind = listens.is_unspecified() || is_private_address(listens);
        if is_https && is_behind && self.trusted_proxies.is_empty() {
            return Some(
                "The public URL uses HTTPS, so a proxy must be in front, but no proxy is named: \
                 all users share the limits of its address. Set TIDINGS_TRUSTED_PROXIES to the \
                 proxy’s address."
                    .to_owned(),
            );
        }
        let gateway = surroundings.container_gateway?;
        (!listens.is_loopback() && self.trusted_proxies.contains(gateway)).then(|| {
            format!(
                "TIDINGS_TRUSTED_PROXIES covers {gateway}, the gateway of this container. \
                 Requests to a published port come from this address too, and can claim any \
                 client address. Publish the port on 127.0.0.1 only, for a proxy on the same \
                 machine."
            )
        })
    }
}

fn rate_limit_warning(rates: &RateLimits) -> Option<String> {
    if *rates == RateLimits::off() {
        return Some(
            "Limits are off: any user can send requests and guess passwords at any rate. Remove \
             TIDINGS_RATE_LIMITS=off."
                .to_owned(),
        );
    }
    let off = [
        ("sends", rates.sends.is_none()),
        ("requests", rates.requests.is_none()),
        ("typing", rates.typing.is_none()),
        ("registrations", rates.registrations.is_none()),
        ("account-logins", rates.account_logins.is_none()),
        ("address-logins", rates.address_logins.is_none()),
        ("address-successes", rates.address_successes.is_none()),
        ("waiting-passwords", rates.waiting_passwords.is_none()),
        ("connections", rates.connections.is_none()),
        ("sockets", rates.sockets.is_none()),
    ];
    let off = off.into_iter().filter(|(_, is_off)| *is_off);
    let off: Vec<&str> = off.map(|(name, _)| name).collect();
    let guessing = if off.iter().any(|name| name.ends_with("-logins")) {
        " Passwords can be guessed at any rate."
    } else {
        ""
    };
    (!off.is_empty()).then(|| {
        format!(
            "There is no limit of {}.{guessing} See TIDINGS_RATE_LIMITS.",
            off.join(", ")
        )
    })
}

impl PublicUrl {
    /// Returns whether only browsers on the same machine can use this URL.
    fn is_loopback(&self) -> bool {
        let host = self.origin().split("://").nth(1).unwrap_or_default();
        host.starts_with("[::1]")
            || host.starts_with("127.")
            || host.split(':').next() == Some("localhost")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrustedProxies;

    fn warnings_of(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.warnings_in(&HostEnvironment::default()).join("\n")
    }

    fn public_url(url: &str) -> Option<PublicUrl> {
        Some(PublicUrl::read(url).unwrap())
    }

    #[test]
    fn loopback_settings_need_no_warning() {
        assert_eq!(warnings_of(|_| {}), "");
        for url in [
            "http://localhost:8000",
            "http://127.0.0.1",
            "http://[::1]:8000",
            "https://chat.example.org",
        ] {
            let behind = |it: &mut Settings| {
                it.public_url = public_url(url);
                it.trusted_proxies = TrustedProxies::read("127.0.0.1").unwrap();
            };
            assert_eq!(warnings_of(behind), "", "{url}");
        }
    }

    #[test]
    fn unsafe_public_listener_warns() {
        let public = |it: &mut Settings| it.listen = ([0, 0, 0, 0], 8000).into();
        let both = warnings_of(public);
        assert!(both.contains("over plain HTTP") && both.contains("can create an account"));
        let closed = warnings_of(|it| {
            public(it);
            it.registration = Registration::Closed;
            it.public_url = public_url("https://chat.example.org");
            it.trusted_proxies = TrustedProxies::read("127.0.0.1").unwrap();
        });
        assert_eq!(closed, "");
    }

    #[test]
    fn unnamed_proxy_warns() {
        for (listen, is_said) in [
            ([127, 0, 0, 1], true),
            ([10, 0, 0, 7], true),
            ([0, 0, 0, 0], true),
            ([203, 0, 113, 7], false),
        ] {
            let warnings = warnings_of(|it| {
                it.listen = (listen, 8000).into();
                it.public_url = public_url("https://chat.example.org");
                it.registration = Registration::Closed;
            });
            assert_eq!(
                warnings.contains("no proxy is named"),
                is_said,
                "{listen:?} {warnings}"
            );
        }
    }

    #[test]
    fn trusted_container_gateway_warns() {
        let surroundings = HostEnvironment {
            container_gateway: Some([172, 17, 0, 1].into()),
        };
        let warnings = |trusted: &str, listen: [u8; 4]| {
            let settings = Settings {
                listen: (listen, 8000).into(),
                trusted_proxies: TrustedProxies::read(trusted).unwrap(),
                ..Settings::default()
            };
            settings.warnings_in(&surroundings).join("\n")
        };
        let covers = |text: String| text.contains("covers 172.17.0.1");
        assert!(covers(warnings("172.16.0.0/12", [0, 0, 0, 0])));
        assert!(!covers(warnings("172.18.0.2", [0, 0, 0, 0])));
        assert!(!covers(warnings("172.16.0.0/12", [127, 0, 0, 1])));
    }

    #[test]
    fn gateway_comes_from_default_route() {
        let routes = "Iface\tDestination\tGateway\tFlags\n\
             eth0\t0011ACAC\t00000000\t0001\n\
             eth0\t00000000\t010011AC\t0003\n";
        let expected = u32::from_str_radix("010011AC", 16).unwrap().to_ne_bytes();
        assert_eq!(find_gateway(routes), Some(Ipv4Addr::from(expected).into()));
        assert_eq!(find_gateway("Iface\tDestination\tGateway\n"), None);
    }

    #[test]
    fn plain_http_behind_proxy_warns() {
        let plain = warnings_of(|it| it.public_url = public_url("http://chat.example.org"));
        assert!(
            plain.contains("http://chat.example.org over plain HTTP"),
            "{plain}"
        );
    }

    #[test]
    fn disabled_limits_are_named() {
        assert!(warnings_of(|it| it.rates = RateLimits::off()).starts_with("Limits are off:"));
        let guessing = warnings_of(|it| {
            it.rates = RateLimits::read("account-logins=off,address-logins=off").unwrap();
        });
        assert!(guessing.contains("no limit of account-logins, address-logins. Passwords can"));
        let sockets = warnings_of(|it| it.rates = RateLimits::read("sockets=off").unwrap());
        assert_eq!(
            sockets,
            "There is no limit of sockets. See TIDINGS_RATE_LIMITS."
        );
    }

    #[test]
    fn public_metrics_without_token_warn() {
        let listen = |address: [u8; 4]| {
            move |it: &mut Settings| it.metrics.listen = Some((address, 9100).into())
        };
        assert_eq!(warnings_of(listen([127, 0, 0, 1])), "");
        assert!(warnings_of(listen([10, 0, 0, 1])).contains("The metrics on 10.0.0.1:9100"));
    }
}
