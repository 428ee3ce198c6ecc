//! Timestamps as stored in the database and as sent to clients.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use jiff::{SignedDuration, Timestamp};
use sea_orm::DeriveValueType;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970 in UTC: a `bigint` in every database, an RFC 3339
/// string with three decimals in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct Millis(pub i64);

/// The first and the last time that RFC 3339 can express in UTC.
const FIRST: Millis = Millis(-62_135_596_800_000);
const LAST: Millis = Millis(253_402_300_799_999);

impl Millis {
    /// Returns the current time of the system clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Parses an RFC 3339 time. `jiff::Timestamp` ends a day earlier, so that
    /// every offset fits into it; later times are computed here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at = match text.parse::<Timestamp>() {
            Ok(at) => at.as_millisecond(),
            Err(_) => {
                let pieces = Pieces::parse(text).ok()?;
                let civil = pieces.date().to_datetime(pieces.time()?);
                let offset = i64::from(pieces.to_numeric_offset()?.seconds());
                let since = civil.duration_since(Self::epoch()).as_millis();
                i64::try_from(since).ok()?.checked_sub(offset * 1000)?
            }
        };
        (FIRST.0..=LAST.0).contains(&at).then_some(Self(at))
    }

    /// Returns date and time in UTC. Times outside the years 1 to 9999 are
    /// clamped.
    #[must_use]
    pub fn civil(self) -> DateTime {
        let since = SignedDuration::from_millis(self.0.clamp(FIRST.0, LAST.0));
        Self::epoch().saturating_add(since)
    }

    fn epoch() -> DateTime {
        DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
    }

    /// Returns the time `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the time `span` earlier.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the time since `earlier`; zero if `earlier` is later than this.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns whole seconds since 1970, the unit of token claims.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl std::fmt::Display for Millis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3}Z", self.civil())
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let what = Unexpected::Other("text");
            D::Error::invalid_value(what, &"a time such as 2026-11-21T20:24:25.123Z")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_times_are_parsed() {
        for (text, written) in [
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
            ("9999-12-30T22:00:01Z", "9999-12-30T22:00:01.000Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
            ("9999-12-31t23:59:59.999999999z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999+14:00", "9999-12-31T09:59:59.999Z"),
            ("2026-11-21T20:24:25.123+01:00", "2026-11-21T19:24:25.123Z"),
        ] {
            let read = Millis::parse(text).map(|at| at.to_string());
            assert_eq!(read.as_deref(), Some(written), "{text}");
        }
        for text in [
            "",
            "9999-12-31T23:59:59-00:01",
            "+010000-01-01T00:00:00Z",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+00:01",
            "-000001-01-01T00:00:00Z",
            "9999-12-31T23:59:59",
            "9999-12-31",
            "9999-12-32T00:00:00Z",
        ] {
            assert_eq!(Millis::parse(text), None, "{text}");
        }
        assert_eq!(Millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Millis(i64::MIN).to_string(), "0001-01-01T00:00:00.000Z");
    }
}
