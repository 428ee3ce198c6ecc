//! What was set that is unsafe where others can reach it: told by the log when
//! the server starts, and to admins.

use super::{PublicUrl, Rates, Registration, Settings};

impl Settings {
    /// What is unsafe, a few sentences each; none where all is well.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
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

    fn told(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.warnings().join("\n")
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
            assert_eq!(told(|it| it.public_url = known_as(url)), "", "{url}");
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
        });
        assert_eq!(closed, "");
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
