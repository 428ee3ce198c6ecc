//! What things are called, for people.

use entity::Millis;
use jiff::civil::DateTime;

use crate::web::pages::view::times;

fn civil(at: Millis) -> DateTime {
    at.civil()
}

/// A day: `21 Nov 2026`.
pub(super) fn date(at: Millis) -> String {
    civil(at).strftime("%-d %b %Y").to_string()
}

/// A moment: `21 Nov 2026, 14:05:09 UTC`.
pub(super) fn exact(at: Millis) -> String {
    civil(at).strftime("%-d %b %Y, %H:%M:%S UTC").to_string()
}

/// The same, for machines.
pub(super) fn iso(at: Millis) -> String {
    civil(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What was done, after the name of who did it and before that of whom.
pub(super) fn deed(name: &str) -> &str {
    match name {
        "user.create" => "opened an account for",
        "user.rename" => "renamed",
        "user.promote" => "made an admin of",
        "user.demote" => "took the admin’s rights of",
        "user.deactivate" => "switched off",
        "user.reactivate" => "switched on again",
        "user.end_login" => "logged out",
        "user.reset_link" => "made a password link for",
        "user.reset_used" => "chose a password by a link for",
        "user.set_password" => "set the password of",
        "user.delete" => "deleted the account of",
        "conversation.read" => "read messages of",
        "conversation.withdraw" => "withdrew a message in",
        "conversation.close" => "closed",
        "report.read" => "read the messages around a report in",
        "report.done" => "was done with a report in",
        "invite.create" => "made an invitation",
        "audit.download" => "downloaded the audit log",
        other => other,
    }
}

/// Whether somebody is here, and else when they were.
pub(super) fn presence(is_online: bool, last_seen: Option<Millis>, now: Millis) -> String {
    match last_seen {
        _ if is_online => "online".to_owned(),
        Some(at) => times::last_seen(at, now),
        None => "never here".to_owned(),
    }
}

/// So many bytes, in the unit that fits.
pub(super) fn bytes(count: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
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

/// How long something has been going on.
pub(super) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => times::counted(seconds, "second"),
        (0, 0, _) => times::counted(minutes, "minute"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{}, {hours} h", times::counted(days, "day")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Deed;

    #[test]
    fn every_deed_has_words() {
        for known in Deed::ALL {
            assert_ne!(deed(known.name()), known.name());
        }
    }

    #[test]
    fn moments_are_written_one_way() {
        let at = Millis(1_795_269_909_000);
        assert_eq!(date(at), "21 Nov 2026");
        assert_eq!(exact(at), "21 Nov 2026, 14:05:09 UTC");
        assert_eq!(iso(at), "2026-11-21T14:05:09Z");
    }

    #[test]
    fn sizes_and_spans_are_read_at_a_glance() {
        for (count, expected) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
            (5 << 40, "5.0 TiB"),
        ] {
            assert_eq!(bytes(count), expected);
        }
        for (seconds, expected) in [
            (1, "1 second"),
            (120, "2 minutes"),
            (3_725, "1 h 2 min"),
            (90_000, "1 day, 1 h"),
        ] {
            assert_eq!(span(seconds), expected);
        }
    }
}
