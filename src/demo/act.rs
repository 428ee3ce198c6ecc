//! What happens in a conversation, in the order of time: its lines, and what
//! people do about them.

use std::collections::BTreeSet;

use entity::Millis;
use entity::participant::Role;
use serde_json::json;

use super::clock::Dice;
use super::script::{Conversation, Fate, Line, ScriptError, What};
use super::{Result, Who, user};
use crate::protocol::User;
use crate::protocol::message::{isolate, system_event};

/// Something that takes a version. A line is named by its place.
pub(super) struct Event<'a> {
    pub(super) at: Millis,
    pub(super) what: Happening<'a>,
}

pub(super) enum Happening<'a> {
    Said(&'a Line),
    /// A client of theirs has everything up to this line.
    Has(Who, usize),
    /// They have seen everything up to this line.
    Saw(Who, usize),
    Reacted(Who, usize, &'a str),
    Edited(usize),
    Withdrawn(usize),
}

/// How long it takes, in milliseconds, until somebody has what was said, has
/// read it, makes something of it, thinks better of it.
const ARRIVES: (i64, i64) = (400, 4000);
const READS: (i64, i64) = (20_000, 900_000);
const REACTS: (i64, i64) = (9_000, 240_000);
const REGRETS: (i64, i64) = (15_000, 90_000);

/// All that happens, by the times at which the lines were said.
pub(super) fn events<'a>(
    conversation: &'a Conversation,
    times: &[Millis],
    dice: &mut Dice,
    now: Millis,
) -> Result<Vec<Event<'a>>> {
    let mut stage = Stage {
        conversation,
        times,
        dice,
        now,
        events: Vec::new(),
    };
    let mut first = 0;
    for scene in &conversation.scenes {
        for (at, line) in scene.lines.iter().enumerate() {
            stage.line(first + at, line)?;
        }
        let next = first + scene.lines.len();
        if let Some(last) = next.checked_sub(1) {
            stage.end_of_scene(first, last)?;
        }
        first = next;
    }
    let mut events = stage.events;
    // Stable: of what happens at once, the cause stands first.
    events.sort_by_key(|event| event.at);
    Ok(events)
}

struct Stage<'a, 'b> {
    conversation: &'a Conversation,
    times: &'b [Millis],
    dice: &'b mut Dice,
    now: Millis,
    events: Vec<Event<'a>>,
}

impl<'a> Stage<'a, '_> {
    fn line(&mut self, place: usize, line: &'a Line) -> Result<()> {
        let said = self.said(place)?;
        self.push(said, Happening::Said(line));
        if let What::Text { fate, .. } = line.what {
            let regrets = self.later(said, REGRETS);
            match fate {
                Fate::Kept => {}
                Fate::Edited => self.push(regrets, Happening::Edited(place)),
                Fate::Withdrawn => self.push(regrets, Happening::Withdrawn(place)),
            }
        }
        for (emoji, people) in &line.reactions {
            for who in people {
                if place > self.limit(*who, Mark::Read)? {
                    return Err(ScriptError::new(
                        "somebody reacts to what they haven't read",
                    ));
                }
                let at = self.later(said, REACTS);
                self.push(at, Happening::Saw(*who, place));
                self.push(at, Happening::Reacted(*who, place, emoji));
            }
        }
        Ok(())
    }

    /// Everybody gets and reads it to its end, but for those who are said to
    /// be behind.
    fn end_of_scene(&mut self, first: usize, last: usize) -> Result<()> {
        for who in everybody(self.conversation) {
            let has = self.limit(who, Mark::Delivered)?.min(last);
            if has >= first {
                let at = self.moment_after(has, last, ARRIVES)?;
                self.push(at, Happening::Has(who, has));
            }
            let saw = self.limit(who, Mark::Read)?.min(has);
            if saw >= first {
                let at = self.moment_after(saw, last, READS)?;
                self.push(at, Happening::Saw(who, saw));
            }
        }
        Ok(())
    }

    /// Some time after a line; who stopped there did so before the next one.
    fn moment_after(&mut self, place: usize, last: usize, how_long: (i64, i64)) -> Result<Millis> {
        let said = self.said(place)?;
        if place == last {
            return Ok(self.later(said, how_long));
        }
        let next = self.said(place + 1)?;
        let half_way = Millis(said.0 + (next.0 - said.0) / 2);
        Ok(self.later(said, how_long).min(half_way))
    }

    /// Some time after, and never in the future.
    fn later(&mut self, at: Millis, (low, high): (i64, i64)) -> Millis {
        let half_way = (self.now.0 - at.0) / 2;
        Millis(at.0 + self.dice.between(low, high).min(half_way))
    }

    /// The last line that somebody has, or has read.
    fn limit(&self, who: Who, mark: Mark) -> Result<usize> {
        let behind = match mark {
            Mark::Delivered => &self.conversation.undelivered,
            Mark::Read => &self.conversation.unread,
        };
        let Some(count) = behind.get(&who) else {
            return Ok(usize::MAX);
        };
        let scenes = self.conversation.scenes.iter();
        let lines = scenes.flat_map(|scene| &scene.lines).enumerate();
        let texts = lines.filter(|(_, line)| matches!(line.what, What::Text { .. }));
        let texts: Vec<usize> = texts.map(|(place, _)| place).collect();
        let last = texts.iter().rev().nth(*count).copied();
        last.ok_or_else(|| ScriptError::new("somebody is further behind than there is"))
    }

    fn said(&self, place: usize) -> Result<Millis> {
        let at = self.times.get(place).copied();
        at.ok_or_else(|| ScriptError::new("a line has no time"))
    }

    fn push(&mut self, at: Millis, what: Happening<'a>) {
        self.events.push(Event { at, what });
    }
}

#[derive(Clone, Copy)]
enum Mark {
    Delivered,
    Read,
}

/// Those who are in it at some time.
fn everybody(conversation: &Conversation) -> BTreeSet<Who> {
    let scenes = conversation.scenes.iter();
    let added = scenes
        .flat_map(|scene| &scene.lines)
        .filter_map(|line| match line.what {
            What::Added(who) => Some(who),
            _ => None,
        });
    conversation.people.iter().copied().chain(added).collect()
}

/// A change for people, and for programs: as the Room says it.
pub(super) fn told(actor: &str, what: &What, users: &[User]) -> Result<(String, String)> {
    let actor = isolate(actor);
    Ok(match what {
        What::Created(title) => (
            format!("{actor} made the group “{}”", isolate(title.as_str())),
            system_event("created", &json!({ "title": title.as_str() })),
        ),
        What::Renamed(title) => (
            format!("{actor} renamed the group to “{}”", isolate(title.as_str())),
            system_event("renamed", &json!({ "title": title.as_str() })),
        ),
        What::Added(who) => {
            let them = user(users, *who)?;
            let text = format!("{actor} added {}", isolate(&them.display_name));
            (text, system_event("invited", &json!({ "user": them })))
        }
        What::MadeAdmin(who) => {
            let them = user(users, *who)?;
            let text = format!("{actor} made {} an admin", isolate(&them.display_name));
            let facts = json!({ "user": them, "role": Role::Admin });
            (text, system_event("role", &facts))
        }
        What::Left => (format!("{actor} left"), system_event("left", &json!({}))),
        What::Text { .. } => return Err(ScriptError::new("a text changes nothing")),
    })
}
