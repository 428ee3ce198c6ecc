//! The lines of a scene. What they look like is told at the top of the script.

use std::collections::BTreeMap;
use std::time::Duration;

use super::script::{Fate, Line, Names, ScriptError, What, span};
use super::{Result, Who};
use crate::protocol::{GroupTitle, MessageText};

/// Reads a conversation, scene after scene.
pub(super) struct Reader<'a> {
    names: &'a Names,
    /// What replies call earlier lines.
    labels: BTreeMap<String, usize>,
    /// How many lines stand in the scenes before.
    before: usize,
}

/// The line that a group begins with.
pub(super) fn opening(maker: Who, title: &GroupTitle) -> Line {
    line(maker, "", What::Created(title.clone()))
}

impl<'a> Reader<'a> {
    pub(super) fn new(names: &'a Names) -> Self {
        Self {
            names,
            labels: BTreeMap::new(),
            before: 0,
        }
    }

    /// Reads a scene that begins with `first`, where there is that.
    pub(super) fn scene(&mut self, text: &str, first: Option<Line>) -> Result<Vec<Line>> {
        let mut lines: Vec<Line> = first.into_iter().collect();
        let mut pause = Duration::ZERO;
        for written in text.lines().filter(|line| !line.is_empty()) {
            if let Some(span_of) = written.strip_prefix("...") {
                pause = span(span_of.trim())?;
                continue;
            }
            if !self.about_last(written, &mut lines)? {
                let mut new = match written.strip_prefix("* ") {
                    Some(act) => self.act(act)?,
                    None => self.text(written, lines.len())?,
                };
                new.pause = std::mem::take(&mut pause);
                lines.push(new);
            }
        }
        for line in &mut lines {
            if matches!(line.what, What::Text { .. }) {
                let text = MessageText::parse(&line.text).map_err(ScriptError::new)?;
                line.text = text.as_str().to_owned();
            }
        }
        self.before += lines.len();
        Ok(lines)
    }

    /// Adds to the line before what belongs to it; false for what doesn't.
    fn about_last(&self, written: &str, lines: &mut [Line]) -> Result<bool> {
        let Some((sign @ ("|" | "+" | "!"), rest)) = written.split_at_checked(1) else {
            return Ok(false);
        };
        let last = lines.last_mut();
        let last = last.ok_or_else(|| wrong("nothing stands before", written))?;
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match (sign, &mut last.what) {
            ("|", _) => {
                last.text.push('\n');
                last.text.push_str(rest);
            }
            ("+", _) => {
                for reaction in rest.split(';') {
                    let (emoji, people) = reaction
                        .trim()
                        .split_once(' ')
                        .ok_or_else(|| wrong("nobody reacts in", written))?;
                    let people = self.names.all(people)?;
                    last.reactions.push((emoji.to_owned(), people));
                }
            }
            (_, What::Text { fate, .. }) => {
                *fate = match rest {
                    "edited" => Fate::Edited,
                    "withdrawn" => Fate::Withdrawn,
                    _ => return Err(wrong("unknown fate", written)),
                };
            }
            _ => return Err(wrong("no text stands before", written)),
        }
        Ok(true)
    }

    /// `who #label ^answered: text`.
    fn text(&mut self, written: &str, place: usize) -> Result<Line> {
        let (head, text) = written
            .split_once(": ")
            .ok_or_else(|| wrong("nobody speaks in", written))?;
        let mut words = head.split_whitespace();
        let from = self.names.find(words.next().unwrap_or_default())?;
        let mut answers = None;
        for word in words {
            if let Some(label) = word.strip_prefix('^') {
                let found = self.labels.get(label).copied();
                answers = Some(found.ok_or_else(|| wrong("nothing is labelled so", written))?);
            } else if let Some(label) = word.strip_prefix('#') {
                let place = self.before + place;
                if self.labels.insert(label.to_owned(), place).is_some() {
                    return Err(wrong("there is one labelled so", written));
                }
            } else {
                return Err(wrong("no label", written));
            }
        }
        let fate = Fate::Kept;
        Ok(line(from, text, What::Text { answers, fate }))
    }

    /// `who renamed TITLE`, `who added WHO`, `who promoted WHO`, `who left`.
    fn act(&self, written: &str) -> Result<Line> {
        let mut words = written.splitn(3, ' ');
        let mut next = || words.next().unwrap_or_default();
        let (from, verb, object) = (self.names.find(next())?, next(), next());
        let what = match verb {
            "renamed" => What::Renamed(GroupTitle::parse(object).map_err(ScriptError::new)?),
            "added" => What::Added(self.names.find(object)?),
            "promoted" => What::MadeAdmin(self.names.find(object)?),
            "left" => What::Left,
            _ => return Err(wrong("unknown act", written)),
        };
        Ok(line(from, "", what))
    }
}

fn line(from: Who, text: &str, what: What) -> Line {
    Line {
        from,
        text: text.to_owned(),
        what,
        pause: Duration::ZERO,
        reactions: Vec::new(),
    }
}

fn wrong(what: &str, line: &str) -> ScriptError {
    ScriptError::new(format_args!("{what}: {line}"))
}
