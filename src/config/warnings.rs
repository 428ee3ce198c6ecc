//! What was set that is unsafe where others can reach it: told by the log when
//! the server starts, and to admins.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::{PublicUrl, Rates, Registration, Settings, is_private_address};

/// What of a machine makes settings unsafe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// The gateway of the container that the server runs in: requests to a
    /// published port come from there.
    pub(super) container_gateway: Option<IpAddr>,
}

impl Surroundings {
    /// Looks at the machine.
    #[must_use]
    pub(super) fn look() -> Self {
        let signs = ["/.dockerenv", "/run/.containerenv"];
        let is_container = signs.iter().any(|sign| Path::new(sign).exists());
        let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
        Self {
            container_gateway: gateway(&routes).filter(|_| is_container),
        }
    }
}

/// The gateway of the default route in `/proc/net/route`: hexadecimal, in the
/// byte order of the machine.
fn gateway(routes: &str) -> Option<IpAddr> {
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
    /// What is unsafe, a few sentences each; none where all is well.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.warnings_in(&Surroundings::look())
    }

    fn warnings_in(&self, surroundings: &Surroundings) -> Vec<String> {
        let mut warnings = Vec::new();
        let is_public = !self.listen.ip().is_loopback();
        match &self.public_url {
            Some(url) if url.is_https() => {}
            Some(url) if !is_public && !url.is_loopback() => warnings.push(format!(
                "Browsers come to {url} over plain HTTP: whoever is on the way can read \
                 passwords and messages. Have the proxy speak HTTPS, and set \
                 TIDINGS_PUBLIC_URL to its https:// address."
            )),
            _ if is_public => warnings.push(
                "This server listens on a public address over plain HTTP: whoever is on the way \
                 can read passwords and messages. Put it behind a proxy that speaks HTTPS, and \
                 set TIDINGS_PUBLIC_URL."
                    .to_owned(),
            ),
            _ => {}
        }
        if is_public && self.registration == Registration::Open {
            warnings.push(
                "Everybody who can reach this server may open an account. Set \
                 TIDINGS_REGISTRATION (--registration) to invite or closed where that isn’t meant."
                    .to_owned(),
            );
        }
        warnings.extend(self.of_proxies(surroundings));
        warnings.extend(of_rates(&self.rates));
        let metrics = &self.metrics;
        if let (Some(listen), None) = (metrics.listen, &metrics.token)
            && !listen.ip().is_loopback()
        {
            warnings.push(format!(
                "The metrics are on {listen} for everybody who can reach it: how much is said, \
                 and when. Set TIDINGS_METRICS_TOKEN, or TIDINGS_METRICS_LISTEN to an address \
                 that others can’t reach."
            ));
        }
        warnings
    }

    /// Whether a proxy must be in front that is not named, or one is named
    /// that can't be told from its users.
    fn of_proxies(&self, surroundings: &Surroundings) -> Option<String> {
        let is_https = self.public_url.as_ref().is_some_and(PublicUrl::is_https);
        let listens = self.listen.ip();
        let is_behind = listens.is_unspecified() || is_private_address(listens);
        if is_https && is_behind && self.trusted_proxies.is_empty() {
            return Some(
                "Browsers use HTTPS, so that a proxy is in front, and no proxy is named: all \
                 users share the limits of its address. Set TIDINGS_TRUSTED_PROXIES to the \
                 proxy’s address."
                    .to_owned(),
            );
        }
        let gateway = surroundings.container_gateway?;
        (!listens.is_loopback() && self.trusted_proxies.contains(gateway)).then(|| {
            format!(
                "TIDINGS_TRUSTED_PROXIES covers {gateway}, the gateway of this container: \
                 requests to a port that it publishes come from there, too, and may say that \
                 they come from anywhere. Publish the port on 127.0.0.1 alone, for a proxy on \
                 the same machine."
            )
        })
    }
}

fn of_rates(rates: &Rates) -> Option<String> {
    if *rates == Rates::off() {
        return Some(
            "Limits are off: whoever has an account may ask as much as they like, and guess \
             passwords as fast. Take TIDINGS_RATE_LIMITS=off away."
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
    let guessing = match off.iter().any(|name| name.ends_with("-logins")) {
        true => " Passwords can be guessed as fast as somebody asks.",
        false => "",
    };
    (!off.is_empty()).then(|| {
        format!(
            "There is no limit of {}.{guessing} See TIDINGS_RATE_LIMITS.",
            off.join(", ")
        )
    })
}

impl PublicUrl {
    /// Whether only browsers on the same machine can mean this by it.
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

    fn told(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.warnings_in(&Surroundings::default()).join("\n")
    }

    fn known_as(url: &str) -> Option<PublicUrl> {
        Some(PublicUrl::read(url).unwrap())
    }

    #[test]
    fn nothing_is_unsafe_at_home() {
        assert_eq!(told(|_| {}), "");
        for url in [
            "http://localhost:8000",
            "http://127.0.0.1",
            "http://[::1]:8000",
            "https://chat.example.org",
        ] {
            let behind = |it: &mut Settings| {
                it.public_url = known_as(url);
                it.trusted_proxies = TrustedProxies::read("127.0.0.1").unwrap();
            };
            assert_eq!(told(behind), "", "{url}");
        }
    }

    #[test]
    fn what_is_unsafe_on_a_public_address_is_said() {
        let public = |it: &mut Settings| it.listen = ([0, 0, 0, 0], 8000).into();
        let both = told(public);
        assert!(both.contains("over plain HTTP") && both.contains("may open an account"));
        let closed = told(|it| {
            public(it);
            it.registration = Registration::Closed;
            it.public_url = known_as("https://chat.example.org");
            it.trusted_proxies = TrustedProxies::read("127.0.0.1").unwrap();
        });
        assert_eq!(closed, "");
    }

    #[test]
    fn proxy_without_a_name_is_said() {
        for (listen, is_said) in [
            ([127, 0, 0, 1], true),
            ([10, 0, 0, 7], true),
            ([0, 0, 0, 0], true),
            ([203, 0, 113, 7], false),
        ] {
            let told = told(|it| {
                it.listen = (listen, 8000).into();
                it.public_url = known_as("https://chat.example.org");
                it.registration = Registration::Closed;
            });
            assert_eq!(
                told.contains("no proxy is named"),
                is_said,
                "{listen:?} {told}"
            );
        }
    }

    #[test]
    fn published_port_within_a_trusted_range_is_said() {
        let surroundings = Surroundings {
            container_gateway: Some([172, 17, 0, 1].into()),
        };
        let told = |trusted: &str, listen: [u8; 4]| {
            let settings = Settings {
                listen: (listen, 8000).into(),
                trusted_proxies: TrustedProxies::read(trusted).unwrap(),
                ..Settings::default()
            };
            settings.warnings_in(&surroundings).join("\n")
        };
        let covers = |text: String| text.contains("covers 172.17.0.1");
        assert!(covers(told("172.16.0.0/12", [0, 0, 0, 0])));
        assert!(!covers(told("172.18.0.2", [0, 0, 0, 0])));
        assert!(!covers(told("172.16.0.0/12", [127, 0, 0, 1])));
    }

    #[test]
    fn gateway_is_that_of_the_default_route() {
        let routes = "Iface\tDestination\tGateway\tFlags\n\
             eth0\t0011ACAC\t00000000\t0001\n\
             eth0\t00000000\t010011AC\t0003\n";
        let expected = u32::from_str_radix("010011AC", 16).unwrap().to_ne_bytes();
        assert_eq!(gateway(routes), Some(Ipv4Addr::from(expected).into()));
        assert_eq!(gateway("Iface\tDestination\tGateway\n"), None);
    }

    #[test]
    fn an_address_without_tls_is_said_also_behind_a_proxy() {
        let plain = told(|it| it.public_url = known_as("http://chat.example.org"));
        assert!(
            plain.contains("http://chat.example.org over plain HTTP"),
            "{plain}"
        );
    }

    #[test]
    fn each_limit_that_is_off_is_named() {
        assert!(told(|it| it.rates = Rates::off()).starts_with("Limits are off:"));
        let guessing = told(|it| {
            it.rates = Rates::read("account-logins=off,address-logins=off").unwrap();
        });
        assert!(guessing.contains("no limit of account-logins, address-logins. Passwords can"));
        let sockets = told(|it| it.rates = Rates::read("sockets=off").unwrap());
        assert_eq!(
            sockets,
            "There is no limit of sockets. See TIDINGS_RATE_LIMITS."
        );
    }

    #[test]
    fn metrics_that_everybody_can_read_are_said() {
        let listen = |address: [u8; 4]| {
            move |it: &mut Settings| it.metrics.listen = Some((address, 9100).into())
        };
        assert_eq!(told(listen([127, 0, 0, 1])), "");
        assert!(told(listen([10, 0, 0, 1])).contains("The metrics are on 10.0.0.1:9100"));
    }
}
