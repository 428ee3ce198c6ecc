//! Times of new entries, which never go back.

use entity::Millis;

/// The maximum time in milliseconds by which a message may be ahead of the
/// clock, so that it isn't before the latest message.
pub(super) const AHEAD_MAX: i64 = 24 * 60 * 60 * 1000;

/// Returns the time of a new entry, which is never before the latest message,
/// even if the clock was set back. None if the latest message is too far ahead.
/// The clock was wrong when that message was sent, and all new messages would
/// get the same time.
pub(super) fn monotonic_time(last: Option<Millis>, now: Millis) -> Option<Millis> {
    let last = last.unwrap_or(now);
    let ahead = last.0.saturating_sub(now.0);
    (ahead <= AHEAD_MAX).then_some(last.max(now))
}
