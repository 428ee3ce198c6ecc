//! How much each may ask for: the protocol's limits, which an operator may
//! move or take away.

use std::num::NonZeroU32;
use std::time::Duration;

/// The time that limits of so many "in ten minutes" speak of.
const TEN_MINUTES: Duration = Duration::from_secs(600);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A token bucket: so many at once, and one more each time this has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub burst: NonZeroU32,
    pub each: Duration,
}

impl Rate {
    /// The rate multiplied by a factor.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        let factor = factor.max(1);
        Self {
            burst: self
                .burst
                .saturating_mul(NonZeroU32::new(factor).unwrap_or(NonZeroU32::MIN)),
            each: self.each.checked_div(factor).unwrap_or(self.each),
        }
    }
}

/// The limits; none is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Messages of a user. 10/s, 50 at once.
    pub sends: Option<Rate>,
    /// Everything else that a user asks. 20/s, 100 at once.
    pub requests: Option<Rate>,
    /// That somebody types, of a socket. 2/s, 10 at once.
    pub typing: Option<Rate>,
    /// New accounts from an address. 10 in ten minutes.
    pub registrations: Option<Rate>,
    /// Frames of whatever kind, of a socket. 200/s, 1000 at once.
    pub frames: Option<Rate>,
    /// Right passwords of an account. 60 in ten minutes.
    pub logins: Option<Rate>,
    /// Failed logins to an account from an address. 10 in ten minutes.
    pub account_logins: Option<Rate>,
    /// Failed logins from an address. 100 in ten minutes.
    pub address_logins: Option<Rate>,
    /// Milliseconds of database time of a user, and before login of an address.
    /// 50 a second, 500 at once.
    pub database: Option<Rate>,
    /// Right passwords from an address, whichever accounts they are of. 200 in
    /// ten minutes.
    pub address_successes: Option<Rate>,
    /// Passwords of an address that wait for their hashing. 2; twice that for
    /// an IPv6 network of 56 bits, four times for one of 48 bits.
    pub waiting_passwords: Option<NonZeroU32>,
    /// Connections of an address that is no trusted proxy. 1,024.
    pub connections: Option<NonZeroU32>,
    /// New groups of a user. 10 in an hour.
    pub groups: Option<Rate>,
    /// Groups a day that add a user, made by users that they never wrote to. 20 in
    /// a day.
    pub unsolicited_groups: Option<Rate>,
    /// Reports of messages by a user. 20 in a day.
    pub reports: Option<Rate>,
    /// Open sockets of a user. 20.
    pub sockets: Option<NonZeroU32>,
}

/// What would have been right.
const RIGHT: &str = "off, or limits with commas between, such as \
     sends=10/50,requests=20/100,typing=2/10,frames=200/1000 (a second/at once), \
     database=50/500 (milliseconds a second/at once), \
     registrations=10,logins=60,account-logins=10,address-logins=100, \
     address-successes=200 (in ten minutes), groups=10 (in an hour), \
     unsolicited-groups=20,reports=20 (in a day), sockets=20,connections=1024,waiting-passwords=2 \
     (at a time), each of which may be =off";

impl Rates {
    /// Those of the protocol.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            sends: a_second(10, 50),
            requests: a_second(20, 100),
            typing: a_second(2, 10),
            registrations: in_ten_minutes(10),
            frames: a_second(200, 1000),
            logins: in_ten_minutes(60),
            account_logins: in_ten_minutes(10),
            address_logins: in_ten_minutes(100),
            database: a_second(50, 500),
            address_successes: in_ten_minutes(200),
            waiting_passwords: NonZeroU32::new(2),
            connections: NonZeroU32::new(1024),
            groups: spread(HOUR, NonZeroU32::new(10)),
            unsolicited_groups: spread(DAY, NonZeroU32::new(20)),
            reports: spread(DAY, NonZeroU32::new(20)),
            sockets: NonZeroU32::new(20),
        }
    }

    /// No limits at all.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Reads what differs from the usual ones. The error is what would have
    /// been right.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if text == "off" {
            return Ok(Self::off());
        }
        let mut rates = Self::usual();
        for part in text.split(',').map(str::trim) {
            rates.change(part).ok_or(RIGHT)?;
        }
        Ok(rates)
    }

    fn change(&mut self, part: &str) -> Option<()> {
        let (name, value) = part.split_once('=')?;
        match name.trim() {
            "sends" => self.sends = pace(value)?,
            "requests" => self.requests = pace(value)?,
            "typing" => self.typing = pace(value)?,
            "registrations" => self.registrations = spread(TEN_MINUTES, count(value)?),
            "frames" => self.frames = pace(value)?,
            "logins" => self.logins = spread(TEN_MINUTES, count(value)?),
            "account-logins" => self.account_logins = spread(TEN_MINUTES, count(value)?),
            "address-logins" => self.address_logins = spread(TEN_MINUTES, count(value)?),
            "database" => self.database = pace(value)?,
            "address-successes" => self.address_successes = spread(TEN_MINUTES, count(value)?),
            "groups" => self.groups = spread(HOUR, count(value)?),
            "unsolicited-groups" => self.unsolicited_groups = spread(DAY, count(value)?),
            "reports" => self.reports = spread(DAY, count(value)?),
            "waiting-passwords" => self.waiting_passwords = count(value)?,
            "connections" => self.connections = count(value)?,
            "sockets" => self.sockets = count(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// `off`, or so many a second and so many at once.
fn pace(text: &str) -> Option<Option<Rate>> {
    if text.trim() == "off" {
        return Some(None);
    }
    let (second, burst) = text.split_once('/')?;
    let [second, burst] = [second, burst].map(|text| text.trim().parse::<NonZeroU32>());
    Some(a_second(second.ok()?.get(), burst.ok()?.get()))
}

/// `off`, or so many.
fn count(text: &str) -> Option<Option<NonZeroU32>> {
    match text.trim() {
        "off" => Some(None),
        text => text.parse().ok().map(Some),
    }
}

fn a_second(rate: u32, burst: u32) -> Option<Rate> {
    Some(Rate {
        burst: NonZeroU32::new(burst)?,
        each: Duration::from_secs(1).checked_div(rate)?,
    })
}

fn in_ten_minutes(count: u32) -> Option<Rate> {
    spread(TEN_MINUTES, NonZeroU32::new(count))
}

/// So many in a time; none is no limit.
fn spread(time: Duration, burst: Option<NonZeroU32>) -> Option<Rate> {
    let burst = burst?;
    let each = time.checked_div(burst.get())?;
    Some(Rate { burst, each })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stays_usual() {
        let rates = Rates::read("sends=1/2, sockets=off,registrations=60").unwrap();
        assert_eq!(rates.sends, a_second(1, 2));
        assert_eq!(rates.sockets, None);
        assert_eq!(
            rates.registrations.unwrap().each,
            Duration::from_secs(10),
            "sixty in ten minutes"
        );
        assert_eq!(rates.requests, Rates::usual().requests);
        assert_eq!(Rates::read("off"), Ok(Rates::off()));
        let rates = Rates::read("groups=60,unsolicited-groups=off").unwrap();
        assert_eq!(rates.groups.unwrap().each, Duration::from_secs(60));
        assert_eq!(rates.unsolicited_groups, None);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for wrong in [
            "",
            "on",
            "sends",
            "sends=",
            "sends=10",
            "sends=0/5",
            "sends=5/0",
            "sends=-1/5",
            "sockets=1/2",
            "registrations=x",
            "cheese=1",
            "sends=1/2,,",
        ] {
            assert_eq!(Rates::read(wrong), Err(RIGHT), "{wrong}");
        }
    }
}
