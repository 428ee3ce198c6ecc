//! Formats times. Without a script a page shows UTC; the exact time is in
//! `datetime`, and the script shows it in local time.

use entity::Millis;
use jiff::civil::{Date, DateTime};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

fn civil(at: Millis) -> DateTime {
    at.civil()
}

/// Returns the day of a time; messages of one day are grouped.
pub(in crate::web) fn date(at: Millis) -> Date {
    civil(at).date()
}

fn days_ago(at: Millis, now: Millis) -> i32 {
    (date(now) - date(at)).get_days()
}

/// Formats the time of a message: `14:05`.
pub(in crate::web) fn format_clock(at: Millis) -> String {
    civil(at).strftime("%H:%M").to_string()
}

/// Formats a time as short as possible: `14:05`, `Mon`, `3 Nov`, `3 Nov 2025`.
pub(in crate::web) fn format_short(at: Millis, now: Millis) -> String {
    let (then, today) = (civil(at), date(now));
    let form = match days_ago(at, now) {
        ..=0 => "%H:%M",
        1..=6 => "%a",
        _ if then.year() == today.year() => "%-d %b",
        _ => "%-d %b %Y",
    };
    then.strftime(form).to_string()
}

/// Formats a time for the list of conversations: `now`, `5 min`, `14:05`,
/// `Yesterday`, `Mon`, `3 Nov`.
pub(in crate::web) fn format_listed(at: Millis, now: Millis) -> String {
    let seconds = now.since(at).as_secs();
    match (seconds, days_ago(at, now)) {
        (..MINUTE, _) => "now".to_owned(),
        (..HOUR, _) => format!("{} min", seconds / MINUTE),
        (_, 1) => "Yesterday".to_owned(),
        _ => format_short(at, now),
    }
}

/// Parses a day such as `2026-11-21` and returns its first moment.
pub(in crate::web) fn parse_day_start(day: &str) -> Option<Millis> {
    let day = day.parse::<Date>().ok()?;
    Millis::parse(&format!("{day}T00:00:00Z"))
}

/// Formats the heading of a day's messages.
pub(in crate::web) fn format_day(at: Millis, now: Millis) -> String {
    let then = civil(at);
    let form = match days_ago(at, now) {
        ..=0 => return "Today".to_owned(),
        1 => return "Yesterday".to_owned(),
        _ if then.year() == date(now).year() => "%A, %-d %B",
        _ => "%A, %-d %B %Y",
    };
    then.strftime(form).to_string()
}

/// Formats when a user was last seen.
pub(in crate::web) fn format_last_seen(at: Millis, now: Millis) -> String {
    format!("last seen {}", format_ago(at, now))
}

/// Formats whether a user is online, or when they were last seen. Empty if the
/// viewer may not see the status.
pub(in crate::web) fn format_presence(
    is_online: Option<bool>,
    seen: Option<Millis>,
    now: Millis,
) -> String {
    match (is_online, seen) {
        (Some(true), _) => "online".to_owned(),
        (Some(false), Some(at)) => format_last_seen(at, now),
        (Some(false), None) => "Offline".to_owned(),
        (None, _) => String::new(),
    }
}

/// Formats when a login was last used.
pub(in crate::web) fn format_last_used(at: Millis, now: Millis) -> String {
    format!("used {}", format_ago(at, now))
}

pub(in crate::web) fn format_ago(at: Millis, now: Millis) -> String {
    let seconds = now.since(at).as_secs();
    if seconds < MINUTE {
        return "just now".to_owned();
    }
    if seconds < HOUR {
        return format!("{} ago", pluralize(seconds / MINUTE, "minute"));
    }
    let clock = format_clock(at);
    match days_ago(at, now) {
        ..=0 => format!("today at {clock} UTC"),
        1 => format!("yesterday at {clock} UTC"),
        2..=6 => civil(at).strftime("%A").to_string(),
        _ => format_short(at, now),
    }
}

/// Formats a count with its noun: `1 person`, `2 minutes`.
pub(in crate::web) fn pluralize(count: impl Into<u64>, what: &str) -> String {
    match count.into() {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Millis {
        Millis::parse(text).unwrap()
    }

    #[test]
    fn short_times_drop_known_parts() {
        let now = moment("2026-11-21T20:24:25Z");
        for (then, expected) in [
            ("2026-11-21T00:00:00Z", "00:00"),
            ("2026-11-21T20:30:00Z", "20:30"),
            ("2026-11-20T23:59:59Z", "Fri"),
            ("2026-11-15T12:00:00Z", "Sun"),
            ("2026-11-14T12:00:00Z", "14 Nov"),
            ("2025-11-30T12:00:00Z", "30 Nov 2025"),
        ] {
            assert_eq!(format_short(moment(then), now), expected, "{then}");
        }
    }

    #[test]
    fn recent_times_are_relative() {
        let now = moment("2026-11-21T20:24:25Z");
        for (then, expected) in [
            ("2026-11-21T20:24:00Z", "now"),
            ("2026-11-21T20:30:00Z", "now"),
            ("2026-11-21T20:19:00Z", "5 min"),
            ("2026-11-21T19:24:25Z", "19:24"),
            ("2026-11-20T23:59:59Z", "Yesterday"),
            ("2026-11-19T23:59:59Z", "Thu"),
        ] {
            assert_eq!(format_listed(moment(then), now), expected, "{then}");
        }
        let early = moment("2026-11-21T00:10:00Z");
        let before = moment("2026-11-20T23:50:00Z");
        assert_eq!(format_listed(before, early), "20 min");
    }

    #[test]
    fn days_have_headings() {
        let now = moment("2026-01-02T00:10:00Z");
        for (then, expected) in [
            ("2026-01-02T00:00:00Z", "Today"),
            ("2026-01-01T23:00:00Z", "Yesterday"),
            ("2025-12-31T23:00:00Z", "Wednesday, 31 December 2025"),
        ] {
            assert_eq!(format_day(moment(then), now), expected, "{then}");
        }
        let later = moment("2026-11-21T20:24:25Z");
        assert_eq!(format_day(now, later), "Friday, 2 January");
    }

    #[test]
    fn presence_names_each_status() {
        let now = moment("2026-11-21T20:24:25Z");
        for (is_online, seen, expected) in [
            (Some(true), None, "online"),
            (Some(false), Some(now), "last seen just now"),
            (Some(false), None, "Offline"),
            (None, None, ""),
        ] {
            assert_eq!(format_presence(is_online, seen, now), expected);
        }
    }

    #[test]
    fn last_seen_gets_less_exact() {
        let now = moment("2026-11-21T20:24:25Z");
        for (then, expected) in [
            ("2026-11-21T20:24:00Z", "last seen just now"),
            ("2026-11-21T20:23:00Z", "last seen 1 minute ago"),
            ("2026-11-21T20:00:00Z", "last seen 24 minutes ago"),
            ("2026-11-21T14:05:00Z", "last seen today at 14:05 UTC"),
            ("2026-11-20T14:05:00Z", "last seen yesterday at 14:05 UTC"),
            ("2026-11-18T14:05:00Z", "last seen Wednesday"),
            ("2026-11-03T14:05:00Z", "last seen 3 Nov"),
        ] {
            assert_eq!(format_last_seen(moment(then), now), expected, "{then}");
        }
    }
}
