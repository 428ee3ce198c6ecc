//! The times of the demo data. The script gives rough times, and the lengths of
//! the lines give the details. No line's time is in the future, or before that
//! of the previous line.

use std::time::Duration;

use entity::Millis;

use super::script::{DemoConversation, LineContent, SceneTime, ScriptLine};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A line with its time.
pub(super) struct TimedLine<'a> {
    pub(super) line: &'a ScriptLine,
    pub(super) at: Millis,
    /// The time of the next line, or the present time.
    until: Millis,
    pub(super) ends_scene: bool,
    /// The number of texts after the line.
    pub(super) texts_after: usize,
}

impl TimedLine<'_> {
    /// Returns a time after the line and before the next one.
    pub(super) fn after(&self, delay: Duration) -> Millis {
        self.at.after(delay.min(self.until.since(self.at) / 2))
    }
}

/// Returns each line of a conversation with its time.
///
/// A scene that would overlap the next one or reach into the future is moved to
/// an earlier time.
pub(super) fn schedule_lines(conversation: &DemoConversation, now: Millis) -> Vec<TimedLine<'_>> {
    let mut scheduled = Vec::new();
    let (mut until, mut texts_after) = (now, 0);
    for scene in conversation.scenes.iter().rev() {
        let offsets = line_offsets(&scene.lines);
        let length = offsets.last().copied().unwrap_or_default();
        let planned = match scene.when {
            SceneTime::Began {
                day,
                at: (hour, minute),
            } => midnight(day, now).after(MINUTE * (60 * hour + minute)),
            SceneTime::Ended { ended } => now.before(MINUTE * ended + length),
        };
        let start = planned.min(until.before(MINUTE + length));
        let mut ends_scene = true;
        for (line, offset) in scene.lines.iter().zip(offsets).rev() {
            let at = start.after(offset);
            scheduled.push(TimedLine {
                line,
                at,
                until,
                ends_scene,
                texts_after,
            });
            (until, ends_scene) = (at, false);
            texts_after += usize::from(matches!(line.content, LineContent::Text(_)));
        }
    }
    scheduled.reverse();
    scheduled
}

/// Returns each line's offset from the start of the scene. A long line takes
/// longer to write, and a new sender first reads the previous line.
fn line_offsets(lines: &[ScriptLine]) -> Vec<Duration> {
    let mut at = Duration::ZERO;
    let mut before: Option<&ScriptLine> = None;
    let mut offsets = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(before) = before {
            at += MINUTE * line.pause + Duration::from_millis(45) * text_length(line).min(1500);
            at += if before.sender == line.sender {
                Duration::from_secs(5)
            } else {
                Duration::from_secs(20) + Duration::from_millis(18) * text_length(before)
            };
        }
        before = Some(line);
        offsets.push(at);
    }
    offsets
}

fn text_length(line: &ScriptLine) -> u32 {
    let LineContent::Text(text) = &line.content else {
        return 0;
    };
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// Returns the start of the day in UTC that was this many days ago.
pub(super) fn midnight(days_ago: u32, now: Millis) -> Millis {
    let day = i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
    Millis(now.0 - now.0.rem_euclid(day)).before(DAY * days_ago)
}
