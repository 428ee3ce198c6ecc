//! When things happened: said roughly by the script, filled in by a generator
//! that gives the same every time. Nothing happens in the future, and nothing
//! before what stands above it.

use std::time::Duration;

use entity::Millis;

use super::Who;
use super::script::{Scene, When};

const MINUTE: i64 = 60 * 1000;
const DAY: i64 = 24 * 60 * MINUTE;

/// When the people came, and when they got to know each other, in days: all
/// before the first scene.
const ARRIVED: i64 = 40;
const CONNECTED: i64 = 33;

/// When the person at this place opened their account.
pub(super) fn arrived(place: usize, now: Millis) -> Millis {
    Millis(midnight(now) - ARRIVED * DAY + count(place) * 317 * MINUTE)
}

/// When the two at this place agreed to connect.
pub(super) fn connected(place: usize, now: Millis) -> Millis {
    Millis(midnight(now) - CONNECTED * DAY + count(place) * 97 * MINUTE)
}

/// When each line of a conversation was said.
///
/// A scene that would reach into the next one, or into the future, is moved
/// to before it.
pub(super) fn times(scenes: &[Scene], dice: &mut Dice, now: Millis) -> Vec<Millis> {
    let offsets: Vec<Vec<i64>> = scenes.iter().map(|scene| offsets(scene, dice)).collect();
    let mut times = Vec::new();
    let mut limit = now.0 - MINUTE;
    for (scene, offsets) in scenes.iter().zip(&offsets).rev() {
        let span = offsets.last().copied().unwrap_or(0);
        let planned = match scene.when {
            When::On { days, minutes } => midnight(now) - days * DAY + minutes * MINUTE,
            When::Ended(ago) => now.before(ago).0 - span,
        };
        let start = planned.min(limit - span);
        times.extend(offsets.iter().rev().map(|offset| Millis(start + offset)));
        limit = start - MINUTE;
    }
    times.reverse();
    times
}

/// How long after its beginning each line of a scene was said: whoever writes
/// much takes longer, and whoever answers reads first.
fn offsets(scene: &Scene, dice: &mut Dice) -> Vec<i64> {
    let mut at = 0;
    let mut before: Option<(Who, &str)> = None;
    let mut offsets = Vec::with_capacity(scene.lines.len());
    for line in &scene.lines {
        if let Some((from, text)) = before {
            let writes = 45 * count(line.text.chars().count().min(1500));
            let thinks = if from == line.from {
                dice.between(1500, 12_000)
            } else {
                dice.between(5000, 55_000) + 18 * count(text.chars().count())
            };
            at += writes + thinks + i64::try_from(line.pause.as_millis()).unwrap_or(0);
        }
        before = Some((line.from, &line.text));
        offsets.push(at);
    }
    offsets
}

fn midnight(now: Millis) -> i64 {
    now.0 - now.0.rem_euclid(DAY)
}

/// A place or a length as the database counts.
pub(super) fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A small generator (splitmix64): chance that is the same every time.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: usize) -> Self {
        Self(u64::try_from(seed).unwrap_or_default())
    }

    /// Some number of milliseconds from `low` up to, but not, `high`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let span = u64::try_from(high - low).unwrap_or(1).max(1);
        low + i64::try_from(mixed % span).unwrap_or(0)
    }
}

/// `4m`, `3h` or `2d`.
pub(super) fn span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()? * seconds))
}

/// `18:05`, in minutes of the day.
pub(super) fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..24).contains(&hours) && (0..60).contains(&minutes)).then_some(hours * 60 + minutes)
}
