//! Rate limits: the defaults of the protocol, which an operator may change or
//! turn off.

use std::num::NonZeroU32;
use std::time::Duration;

/// Period of the limits "in ten minutes".
const TEN_MINUTES: Duration = Duration::from_secs(600);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A token bucket: its size, and the interval at which it regains a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub burst: NonZeroU32,
    pub interval: Duration,
}

impl RateLimit {
    /// Returns the rate multiplied by a factor.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        let factor = factor.max(1);
        Self {
            burst: self
                .burst
                .saturating_mul(NonZeroU32::new(factor).unwrap_or(NonZeroU32::MIN)),
            interval: self.interval.checked_div(factor).unwrap_or(self.interval),
        }
    }
}

/// The limits of all kinds of requests; `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Messages of a user. 10/s, 50 at once.
    pub sends: Option<RateLimit>,
    /// All other requests of a user. 20/s, 100 at once.
    pub requests: Option<RateLimit>,
    /// Typing indicators on a socket. 2/s, 10 at once.
    pub typing: Option<RateLimit>,
    /// New accounts from an address. 10 in ten minutes.
    pub registrations: Option<RateLimit>,
    /// Frames of any type on a socket. 200/s, 1000 at once.
    pub frames: Option<RateLimit>,
    /// Correct passwords of an account. 60 in ten minutes.
    pub logins: Option<RateLimit>,
    /// Failed logins to an account from an address. 10 in ten minutes.
    pub account_logins: Option<RateLimit>,
    /// Failed logins from an address. 100 in ten minutes.
    pub address_logins: Option<RateLimit>,
    /// Milliseconds of database time of a user, or of an address before login.
    /// 50 a second, 500 at once.
    pub database: Option<RateLimit>,
    /// Correct passwords from an address, for any account. 200 in ten minutes.
    pub address_successes: Option<RateLimit>,
    /// Passwords of an address that wait for hashing. 2, twice that for an IPv6
    /// network of 56 bits, four times for one of 48 bits.
    pub waiting_passwords: Option<NonZeroU32>,
    /// Connections of an address that isn't a trusted proxy. 1,024.
    pub connections: Option<NonZeroU32>,
    /// New groups of a user. 10 in an hour.
    pub groups: Option<RateLimit>,
    /// New groups that add a user who never wrote to their creator. 20 in a
    /// day.
    pub unsolicited_groups: Option<RateLimit>,
    /// Reports of messages by a user. 20 in a day.
    pub reports: Option<RateLimit>,
    /// Open sockets of a user. 20.
    pub sockets: Option<NonZeroU32>,
}

/// The expected format.
const EXPECTED_FORMAT: &str = "off, or limits separated by commas, such as \
                               sends=10/50,requests=20/100,typing=2/10,frames=200/1000 (per \
                               second/burst), database=50/500 (milliseconds per \
                               second/burst), \
                               registrations=10,logins=60,account-logins=10,address-logins=100, \
                               address-successes=200 (per ten minutes), groups=10 (per hour), \
                               unsolicited-groups=20,reports=20 (per day), \
                               sockets=20,connections=1024,waiting-passwords=2 (at the same \
                               time), each of which may be =off";

impl RateLimits {
    /// Returns the limits of the protocol.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            sends: per_second(10, 50),
            requests: per_second(20, 100),
            typing: per_second(2, 10),
            registrations: per_ten_minutes(10),
            frames: per_second(200, 1000),
            logins: per_ten_minutes(60),
            account_logins: per_ten_minutes(10),
            address_logins: per_ten_minutes(100),
            database: per_second(50, 500),
            address_successes: per_ten_minutes(200),
            waiting_passwords: NonZeroU32::new(2),
            connections: NonZeroU32::new(1024),
            groups: spread_over(HOUR, NonZeroU32::new(10)),
            unsolicited_groups: spread_over(DAY, NonZeroU32::new(20)),
            reports: spread_over(DAY, NonZeroU32::new(20)),
            sockets: NonZeroU32::new(20),
        }
    }

    /// Returns no limits.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Parses the limits that differ from the defaults. The error is the
    /// expected format.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if text == "off" {
            return Ok(Self::off());
        }
        let mut rates = Self::standard();
        for part in text.split(',').map(str::trim) {
            rates.apply_part(part).ok_or(EXPECTED_FORMAT)?;
        }
        Ok(rates)
    }

    fn apply_part(&mut self, part: &str) -> Option<()> {
        let (name, value) = part.split_once('=')?;
        match name.trim() {
            "sends" => self.sends = parse_pace(value)?,
            "requests" => self.requests = parse_pace(value)?,
            "typing" => self.typing = parse_pace(value)?,
            "registrations" => self.registrations = spread_over(TEN_MINUTES, parse_count(value)?),
            "frames" => self.frames = parse_pace(value)?,
            "logins" => self.logins = spread_over(TEN_MINUTES, parse_count(value)?),
            "account-logins" => self.account_logins = spread_over(TEN_MINUTES, parse_count(value)?),
            "address-logins" => self.address_logins = spread_over(TEN_MINUTES, parse_count(value)?),
            "database" => self.database = parse_pace(value)?,
            "address-successes" => {
                self.address_successes = spread_over(TEN_MINUTES, parse_count(value)?)
            }
            "groups" => self.groups = spread_over(HOUR, parse_count(value)?),
            "unsolicited-groups" => self.unsolicited_groups = spread_over(DAY, parse_count(value)?),
            "reports" => self.reports = spread_over(DAY, parse_count(value)?),
            "waiting-passwords" => self.waiting_passwords = parse_count(value)?,
            "connections" => self.connections = parse_count(value)?,
            "sockets" => self.sockets = parse_count(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// Parses `off`, or a number per second and a number at once.
fn parse_pace(text: &str) -> Option<Option<RateLimit>> {
    if text.trim() == "off" {
        return Some(None);
    }
    let (second, burst) = text.split_once('/')?;
    let [second, burst] = [second, burst].map(|text| text.trim().parse::<NonZeroU32>());
    Some(per_second(second.ok()?.get(), burst.ok()?.get()))
}

/// Parses `off` or a number.
fn parse_count(text: &str) -> Option<Option<NonZeroU32>> {
    match text.trim() {
        "off" => Some(None),
        text => text.parse().ok().map(Some),
    }
}

fn per_second(rate: u32, burst: u32) -> Option<RateLimit> {
    Some(RateLimit {
        burst: NonZeroU32::new(burst)?,
        interval: Duration::from_secs(1).checked_div(rate)?,
    })
}

fn per_ten_minutes(count: u32) -> Option<RateLimit> {
    spread_over(TEN_MINUTES, NonZeroU32::new(count))
}

/// Returns a bucket of `burst` tokens that refills in `time`; `None` is no
/// limit.
fn spread_over(time: Duration, burst: Option<NonZeroU32>) -> Option<RateLimit> {
    let burst = burst?;
    let each = time.checked_div(burst.get())?;
    Some(RateLimit {
        burst,
        interval: each,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unnamed_limits_keep_their_defaults() {
        let rates = RateLimits::read("sends=1/2, sockets=off,registrations=60").unwrap();
        assert_eq!(rates.sends, per_second(1, 2));
        assert_eq!(rates.sockets, None);
        assert_eq!(
            rates.registrations.unwrap().interval,
            Duration::from_secs(10),
            "sixty in ten minutes"
        );
        assert_eq!(rates.requests, RateLimits::standard().requests);
        assert_eq!(RateLimits::read("off"), Ok(RateLimits::off()));
        let rates = RateLimits::read("groups=60,unsolicited-groups=off").unwrap();
        assert_eq!(rates.groups.unwrap().interval, Duration::from_secs(60));
        assert_eq!(rates.unsolicited_groups, None);
    }

    #[test]
    fn malformed_limits_are_refused() {
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
            assert_eq!(RateLimits::read(wrong), Err(EXPECTED_FORMAT), "{wrong}");
        }
    }
}
