//! Plans the events of a demo conversation, ordered by time: its lines, and the
//! markers, reactions, edits and deletions that follow the lines.

use std::collections::BTreeSet;

use entity::Millis;
use entity::participant::MemberRole;
use serde_json::json;

use super::clock::SeededRandom;
use super::script::{DemoConversation, LineContent, ScriptError, ScriptLine, TextOutcome};
use super::{PersonIndex, Result, find_user};
use crate::protocol::User;
use crate::protocol::message::{encode_system_event, isolate_name};

/// A change that raises the conversation's version. It refers to a line by
/// index.
pub(super) struct DemoEvent<'a> {
    pub(super) at: Millis,
    pub(super) action: DemoAction<'a>,
}

pub(super) enum DemoAction<'a> {
    Posted(&'a ScriptLine),
    /// A client of the user has everything up to this line.
    Delivered(PersonIndex, usize),
    /// The user has seen everything up to this line.
    Read(PersonIndex, usize),
    Reacted(PersonIndex, usize, &'a str),
    Edited(usize),
    Deleted(usize),
}

/// Delays after a line, from and to, in milliseconds: until it is delivered,
/// read, reacted to, and edited or deleted.
const DELIVERY_DELAY: (i64, i64) = (400, 4000);
const READ_DELAY: (i64, i64) = (20_000, 900_000);
const REACTION_DELAY: (i64, i64) = (9_000, 240_000);
const CHANGE_DELAY: (i64, i64) = (15_000, 90_000);

/// Returns the events, ordered by time. `times` has the time of each line.
pub(super) fn plan_events<'a>(
    conversation: &'a DemoConversation,
    times: &[Millis],
    dice: &mut SeededRandom,
    now: Millis,
) -> Result<Vec<DemoEvent<'a>>> {
    let mut stage = EventPlanner {
        conversation,
        times,
        dice,
        now,
        events: Vec::new(),
    };
    let mut first = 0;
    for scene in &conversation.scenes {
        for (at, line) in scene.lines.iter().enumerate() {
            stage.plan_line(first + at, line)?;
        }
        let next = first + scene.lines.len();
        if let Some(last) = next.checked_sub(1) {
            stage.plan_markers(first, last)?;
        }
        first = next;
    }
    let mut events = stage.events;
    // The sort is stable: of simultaneous events, the cause comes first.
    events.sort_by_key(|event| event.at);
    Ok(events)
}

struct EventPlanner<'a, 'b> {
    conversation: &'a DemoConversation,
    times: &'b [Millis],
    dice: &'b mut SeededRandom,
    now: Millis,
    events: Vec<DemoEvent<'a>>,
}

impl<'a> EventPlanner<'a, '_> {
    fn plan_line(&mut self, place: usize, line: &'a ScriptLine) -> Result<()> {
        let said = self.line_time(place)?;
        self.push_event(said, DemoAction::Posted(line));
        if let LineContent::Text { fate, .. } = line.content {
            let regrets = self.delay(said, CHANGE_DELAY);
            match fate {
                TextOutcome::Kept => {}
                TextOutcome::Edited => self.push_event(regrets, DemoAction::Edited(place)),
                TextOutcome::Deleted => self.push_event(regrets, DemoAction::Deleted(place)),
            }
        }
        for (emoji, people) in &line.reactions {
            for who in people {
                if place > self.last_marked_line(*who, DemoMarker::Read)? {
                    return Err(ScriptError::new("a person reacts to an unread message"));
                }
                let at = self.delay(said, REACTION_DELAY);
                self.push_event(at, DemoAction::Read(*who, place));
                self.push_event(at, DemoAction::Reacted(*who, place, emoji));
            }
        }
        Ok(())
    }

    /// Moves every member's markers to the end of the scene, or to the limit
    /// that the script sets for the member.
    fn plan_markers(&mut self, first: usize, last: usize) -> Result<()> {
        for who in all_members(self.conversation) {
            let has = self.last_marked_line(who, DemoMarker::Delivered)?.min(last);
            if has >= first {
                let at = self.delay_after(has, last, DELIVERY_DELAY)?;
                self.push_event(at, DemoAction::Delivered(who, has));
            }
            let saw = self.last_marked_line(who, DemoMarker::Read)?.min(has);
            if saw >= first {
                let at = self.delay_after(saw, last, READ_DELAY)?;
                self.push_event(at, DemoAction::Read(who, saw));
            }
        }
        Ok(())
    }

    /// Returns a time after the line at `place`. The time is before the next
    /// line, except after the `last` line.
    fn delay_after(&mut self, place: usize, last: usize, how_long: (i64, i64)) -> Result<Millis> {
        let said = self.line_time(place)?;
        if place == last {
            return Ok(self.delay(said, how_long));
        }
        let next = self.line_time(place + 1)?;
        let half_way = Millis(said.0 + (next.0 - said.0) / 2);
        Ok(self.delay(said, how_long).min(half_way))
    }

    /// Returns a random time after `at`, never in the future.
    fn delay(&mut self, at: Millis, (low, high): (i64, i64)) -> Millis {
        let half_way = (self.now.0 - at.0) / 2;
        Millis(at.0 + self.dice.next_between(low, high).min(half_way))
    }

    /// Returns the last line that the user has received or read, or
    /// `usize::MAX` if the script sets no limit.
    fn last_marked_line(&self, who: PersonIndex, mark: DemoMarker) -> Result<usize> {
        let behind = match mark {
            DemoMarker::Delivered => &self.conversation.undelivered,
            DemoMarker::Read => &self.conversation.unread,
        };
        let Some(count) = behind.get(&who) else {
            return Ok(usize::MAX);
        };
        let scenes = self.conversation.scenes.iter();
        let lines = scenes.flat_map(|scene| &scene.lines).enumerate();
        let texts = lines.filter(|(_, line)| matches!(line.content, LineContent::Text { .. }));
        let texts: Vec<usize> = texts.map(|(place, _)| place).collect();
        let last = texts.iter().rev().nth(*count).copied();
        last.ok_or_else(|| {
            ScriptError::new(
                "a person has more unread messages than there are \
                                             messages",
            )
        })
    }

    fn line_time(&self, place: usize) -> Result<Millis> {
        let at = self.times.get(place).copied();
        at.ok_or_else(|| ScriptError::new("a line has no time"))
    }

    fn push_event(&mut self, at: Millis, what: DemoAction<'a>) {
        self.events.push(DemoEvent { at, action: what });
    }
}

#[derive(Clone, Copy)]
enum DemoMarker {
    Delivered,
    Read,
}

/// Returns all users who are members at some time.
fn all_members(conversation: &DemoConversation) -> BTreeSet<PersonIndex> {
    let scenes = conversation.scenes.iter();
    let added = scenes
        .flat_map(|scene| &scene.lines)
        .filter_map(|line| match line.content {
            LineContent::Added(who) => Some(who),
            _ => None,
        });
    conversation.people.iter().copied().chain(added).collect()
}

/// Returns a change as text and as a JSON event, as the Room writes them.
pub(super) fn describe_change(
    actor: &str,
    what: &LineContent,
    users: &[User],
) -> Result<(String, String)> {
    let actor = isolate_name(actor);
    Ok(match what {
        LineContent::Created(title) => (
            format!(
                "{actor} created the group “{}”",
                isolate_name(title.as_str())
            ),
            encode_system_event("created", &json!({ "title": title.as_str() })),
        ),
        LineContent::Renamed(title) => (
            format!(
                "{actor} renamed the group to “{}”",
                isolate_name(title.as_str())
            ),
            encode_system_event("renamed", &json!({ "title": title.as_str() })),
        ),
        LineContent::Added(who) => {
            let them = find_user(users, *who)?;
            let text = format!("{actor} added {}", isolate_name(&them.display_name));
            (
                text,
                encode_system_event("invited", &json!({ "user": them })),
            )
        }
        LineContent::MadeAdmin(who) => {
            let them = find_user(users, *who)?;
            let text = format!("{actor} made {} an admin", isolate_name(&them.display_name));
            let facts = json!({ "user": them, "role": MemberRole::Admin });
            (text, encode_system_event("role", &facts))
        }
        LineContent::Left => (
            format!("{actor} left"),
            encode_system_event("left", &json!({})),
        ),
        LineContent::Text { .. } => return Err(ScriptError::new("a text changes nothing")),
    })
}
