//! Formats values for display on the admin pages.

use entity::Millis;
use jiff::civil::DateTime;

use crate::web::display::times;

fn civil(at: Millis) -> DateTime {
    at.civil()
}

/// Formats a day: `21 Nov 2026`.
pub(super) fn format_date(at: Millis) -> String {
    civil(at).strftime("%-d %b %Y").to_string()
}

/// Formats a time: `21 Nov 2026, 14:05:09 UTC`.
pub(super) fn format_exact(at: Millis) -> String {
    civil(at).strftime("%-d %b %Y, %H:%M:%S UTC").to_string()
}

/// Formats a time for machines: `2026-11-21T14:05:09Z`.
pub(super) fn format_iso(at: Millis) -> String {
    civil(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns the verb that the log shows between an action's actor and its
/// target.
pub(super) fn deed(name: &str) -> &str {
    match name {
        "user.create" => "created the account of",
        "user.rename" => "renamed",
        "user.promote" => "gave admin rights to",
        "user.demote" => "removed the admin rights of",
        "user.deactivate" => "deactivated",
        "user.reactivate" => "reactivated",
        "user.end_login" => "logged out",
        "user.reset_link" => "created a password link for",
        "user.reset_used" => "used a password link for",
        "user.set_password" => "set the password of",
        "user.delete" => "deleted the account of",
        "conversation.read" => "read messages of",
        "conversation.withdraw" => "deleted a message in",
        "conversation.close" => "closed",
        "report.read" => "read the messages around a report in",
        "report.done" => "marked a report as done in",
        "invite.create" => "created an invitation",
        "audit.download" => "downloaded the audit log",
        other => other,
    }
}

/// Formats whether a user is online, or else when they were last seen.
pub(super) fn describe_presence(is_online: bool, last_seen: Option<Millis>, now: Millis) -> String {
    match last_seen {
        _ if is_online => "online".to_owned(),
        Some(at) => times::format_last_seen(at, now),
        None => "never online".to_owned(),
    }
}

/// Formats a number of bytes in the largest unit that fits.
pub(super) fn format_bytes(count: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "rounded for display anyway")]
    let mut size = count as f64;
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            return match unit {
                "bytes" => format!("{size} {unit}"),
                _ => format!("{size:.1} {unit}"),
            };
        }
        size /= 1024.0;
    }
    format!("{size:.1} TiB")
}

/// Formats a duration in seconds.
pub(super) fn format_duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => times::pluralize(seconds, "second"),
        (0, 0, _) => times::pluralize(minutes, "minute"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, 0, _) => times::pluralize(days, "day"),
        _ => format!("{}, {hours} h", times::pluralize(days, "day")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::AuditAction;

    #[test]
    fn every_action_has_description() {
        for known in AuditAction::ALL {
            assert_ne!(deed(known.name()), known.name());
        }
    }

    #[test]
    fn times_have_fixed_formats() {
        let at = Millis(1_795_269_909_000);
        assert_eq!(format_date(at), "21 Nov 2026");
        assert_eq!(format_exact(at), "21 Nov 2026, 14:05:09 UTC");
        assert_eq!(format_iso(at), "2026-11-21T14:05:09Z");
    }

    #[test]
    fn sizes_and_durations_have_units() {
        for (count, expected) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
            (5 << 40, "5.0 TiB"),
        ] {
            assert_eq!(format_bytes(count), expected);
        }
        for (seconds, expected) in [
            (1, "1 second"),
            (120, "2 minutes"),
            (3_725, "1 h 2 min"),
            (90_000, "1 day, 1 h"),
            (604_800, "7 days"),
        ] {
            assert_eq!(format_duration(seconds), expected);
        }
    }
}
