//! The text that each account stores in a day.

use std::collections::HashMap;

use entity::{Millis, UserId};
use parking_lot::Mutex;

use crate::protocol::{ErrorCode, Problem};

const DAY_SECONDS: i64 = 24 * 3600;

/// Bytes of text by account, of the current day in UTC. There are at most as
/// many counts as accounts that wrote today, of some 20 bytes each.
pub(super) struct DailyTextQuota {
    /// The limit of an account; 0 is no limit.
    limit: u64,
    today: Mutex<TextOfDay>,
}

#[derive(Default)]
struct TextOfDay {
    day: i64,
    stored: HashMap<UserId, u64>,
}

impl DailyTextQuota {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            today: Mutex::default(),
        }
    }

    /// Counts `bytes` if they fit the daily limit.
    pub(super) fn take(&self, user: UserId, bytes: usize, now: Millis) -> Result<(), Problem> {
        if self.limit == 0 {
            return Ok(());
        }
        let mut today = self.today.lock();
        let stored = today.stored_by(user, now);
        let sum = stored.saturating_add(bytes as u64);
        if sum > self.limit {
            return Err(quota_exceeded(now));
        }
        *stored = sum;
        Ok(())
    }

    /// Counts `bytes`, also beyond the daily limit.
    pub(super) fn count(&self, user: UserId, bytes: usize, now: Millis) {
        if self.limit > 0 {
            let mut today = self.today.lock();
            let stored = today.stored_by(user, now);
            *stored = stored.saturating_add(bytes as u64);
        }
    }
}

impl TextOfDay {
    fn stored_by(&mut self, user: UserId, now: Millis) -> &mut u64 {
        let day = now.seconds().div_euclid(DAY_SECONDS);
        // A clock that was set back doesn't begin a day again.
        if day > self.day {
            self.day = day;
            self.stored.clear();
        }
        self.stored.entry(user).or_default()
    }
}

fn quota_exceeded(now: Millis) -> Problem {
    let left = DAY_SECONDS - now.seconds().rem_euclid(DAY_SECONDS);
    Problem {
        retry_after: u32::try_from(left).ok(),
        ..Problem::new(
            ErrorCode::RateLimited,
            "You have reached the limit of text per day; try again tomorrow (UTC).",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId(1);
    const NOON: Millis = Millis(43_200_000);

    #[test]
    fn daily_limit_is_per_account() {
        let text = DailyTextQuota::new(100);
        text.take(ANN, 60, NOON).unwrap();
        let refused = text.take(ANN, 41, NOON).unwrap_err();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        assert_eq!(refused.retry_after, Some(12 * 3600));
        // A refused text doesn't count.
        text.take(ANN, 40, NOON).unwrap();
        text.take(UserId(2), 100, NOON).unwrap();
    }

    #[test]
    fn next_day_resets_count() {
        let text = DailyTextQuota::new(100);
        text.count(ANN, 1000, NOON);
        text.take(ANN, 1, NOON).unwrap_err();
        let last = Millis(86_399_999);
        assert_eq!(text.take(ANN, 1, last).unwrap_err().retry_after, Some(1));
        text.take(ANN, 100, Millis(86_400_000)).unwrap();
        // The clock goes back: the day doesn't begin again.
        text.take(ANN, 1, NOON).unwrap_err();
    }

    #[test]
    fn zero_is_no_limit() {
        let text = DailyTextQuota::new(0);
        text.take(ANN, usize::MAX, NOON).unwrap();
        text.take(ANN, usize::MAX, NOON).unwrap();
    }
}
