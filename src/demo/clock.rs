//! The times of the demo data. The script gives rough times, and a seeded
//! generator gives the details. No line's time is in the future, or before that
//! of the previous line.

use std::time::Duration;

use entity::Millis;

use super::PersonIndex;
use super::script::{DemoScene, SceneTime};

const MINUTE: i64 = 60 * 1000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Ages of the oldest account and the oldest connection, in days. All accounts
/// and connections are older than the first scene.
const ACCOUNT_AGE_DAYS: i64 = 40;
const CONNECTION_AGE_DAYS: i64 = 33;

/// Returns the time at which the user at this index opened the account.
pub(super) fn account_opened_at(place: usize, now: Millis) -> Millis {
    Millis(last_midnight(now) - ACCOUNT_AGE_DAYS * DAY + to_i64(place) * 317 * MINUTE)
}

/// Returns the time at which the pair at this index connected.
pub(super) fn connected_at(place: usize, now: Millis) -> Millis {
    Millis(last_midnight(now) - CONNECTION_AGE_DAYS * DAY + to_i64(place) * 97 * MINUTE)
}

/// Returns the time of each line of a conversation.
///
/// A scene that would overlap the next one or reach into the future is moved to
/// an earlier time.
pub(super) fn line_times(
    scenes: &[DemoScene],
    dice: &mut SeededRandom,
    now: Millis,
) -> Vec<Millis> {
    let offsets: Vec<Vec<i64>> = scenes
        .iter()
        .map(|scene| line_offsets(scene, dice))
        .collect();
    let mut times = Vec::new();
    let mut limit = now.0 - MINUTE;
    for (scene, offsets) in scenes.iter().zip(&offsets).rev() {
        let span = offsets.last().copied().unwrap_or(0);
        let planned = match scene.when {
            SceneTime::On { days, minutes } => last_midnight(now) - days * DAY + minutes * MINUTE,
            SceneTime::Ended(ago) => now.before(ago).0 - span,
        };
        let start = planned.min(limit - span);
        times.extend(offsets.iter().rev().map(|offset| Millis(start + offset)));
        limit = start - MINUTE;
    }
    times.reverse();
    times
}

/// Returns each line's offset from the start of the scene, in milliseconds. A
/// long line takes longer to write. If the sender changes, the new sender first
/// reads the previous line.
fn line_offsets(scene: &DemoScene, dice: &mut SeededRandom) -> Vec<i64> {
    let mut at = 0;
    let mut before: Option<(PersonIndex, &str)> = None;
    let mut offsets = Vec::with_capacity(scene.lines.len());
    for line in &scene.lines {
        if let Some((from, text)) = before {
            let writes = 45 * to_i64(line.text.chars().count().min(1500));
            let thinks = if from == line.sender {
                dice.next_between(1500, 12_000)
            } else {
                dice.next_between(5000, 55_000) + 18 * to_i64(text.chars().count())
            };
            at += writes + thinks + i64::try_from(line.pause.as_millis()).unwrap_or(0);
        }
        before = Some((line.sender, &line.text));
        offsets.push(at);
    }
    offsets
}

fn last_midnight(now: Millis) -> i64 {
    now.0 - now.0.rem_euclid(DAY)
}

/// Converts an index or a length to an integer of the database.
pub(super) fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A random number generator (splitmix64) that gives the same numbers each
/// time.
pub(super) struct SeededRandom(u64);

impl SeededRandom {
    pub(super) fn new(seed: usize) -> Self {
        Self(u64::try_from(seed).unwrap_or_default())
    }

    /// Returns a number of milliseconds in `low..high`.
    pub(super) fn next_between(&mut self, low: i64, high: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let span = u64::try_from(high - low).unwrap_or(1).max(1);
        low + i64::try_from(mixed % span).unwrap_or(0)
    }
}

/// Parses a duration such as `4m`, `3h` or `2d`.
pub(super) fn parse_span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()? * seconds))
}

/// Parses a time such as `18:05` into minutes of the day.
pub(super) fn parse_minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(hours * 60 + minutes)
}
