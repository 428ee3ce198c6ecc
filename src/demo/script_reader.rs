//! Parses the lines of a scene. The top of `world.toml` describes their syntax.

use std::collections::BTreeMap;
use std::time::Duration;

use super::script::{LineContent, PersonNames, ScriptError, ScriptLine, TextOutcome, read_span};
use super::{PersonIndex, Result};
use crate::protocol::{GroupTitle, MessageText};

/// A parser for one conversation, scene by scene.
pub(super) struct ScriptReader<'a> {
    names: &'a PersonNames,
    /// Earlier lines that replies can refer to, by label.
    labels: BTreeMap<String, usize>,
    /// The number of lines in earlier scenes.
    before: usize,
}

/// Returns the first line of a group, which creates it.
pub(super) fn opening_line(maker: PersonIndex, title: &GroupTitle) -> ScriptLine {
    new_line(maker, "", LineContent::Created(title.clone()))
}

impl<'a> ScriptReader<'a> {
    pub(super) fn new(names: &'a PersonNames) -> Self {
        Self {
            names,
            labels: BTreeMap::new(),
            before: 0,
        }
    }

    /// Parses a scene, which begins with `first` if there is one.
    pub(super) fn read_scene(
        &mut self,
        text: &str,
        first: Option<ScriptLine>,
    ) -> Result<Vec<ScriptLine>> {
        let mut lines: Vec<ScriptLine> = first.into_iter().collect();
        let mut pause = Duration::ZERO;
        for written in text.lines().filter(|line| !line.is_empty()) {
            if let Some(span_of) = written.strip_prefix("...") {
                pause = read_span(span_of.trim())?;
                continue;
            }
            if !self.extend_last(written, &mut lines)? {
                let mut new = match written.strip_prefix("* ") {
                    Some(act) => self.read_change(act)?,
                    None => self.read_text(written, lines.len())?,
                };
                new.pause = std::mem::take(&mut pause);
                lines.push(new);
            }
        }
        for line in &mut lines {
            if matches!(line.content, LineContent::Text { .. }) {
                let text = MessageText::parse(&line.text).map_err(ScriptError::new)?;
                line.text = text.as_str().to_owned();
            }
        }
        self.before += lines.len();
        Ok(lines)
    }

    /// Applies a line with `|`, `+` or `!` to the line before. Returns false
    /// for any other line.
    fn extend_last(&self, written: &str, lines: &mut [ScriptLine]) -> Result<bool> {
        let Some((sign @ ("|" | "+" | "!"), rest)) = written.split_at_checked(1) else {
            return Ok(false);
        };
        let last = lines.last_mut();
        let last = last.ok_or_else(|| line_error("there is no line before this one", written))?;
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match (sign, &mut last.content) {
            ("|", _) => {
                last.text.push('\n');
                last.text.push_str(rest);
            }
            ("+", _) => {
                for reaction in rest.split(';') {
                    let (emoji, people) = reaction
                        .trim()
                        .split_once(' ')
                        .ok_or_else(|| line_error("the reaction has no person", written))?;
                    let people = self.names.find_people(people)?;
                    last.reactions.push((emoji.to_owned(), people));
                }
            }
            (_, LineContent::Text { fate, .. }) => {
                *fate = match rest {
                    "edited" => TextOutcome::Edited,
                    "deleted" => TextOutcome::Deleted,
                    _ => return Err(line_error("unknown outcome", written)),
                };
            }
            _ => return Err(line_error("there is no text before this one", written)),
        }
        Ok(true)
    }

    /// Parses `sender #label ^original: text`.
    fn read_text(&mut self, written: &str, place: usize) -> Result<ScriptLine> {
        let (head, text) = written
            .split_once(": ")
            .ok_or_else(|| line_error("the line has no sender", written))?;
        let mut words = head.split_whitespace();
        let from = self.names.find_person(words.next().unwrap_or_default())?;
        let mut answers = None;
        for word in words {
            if let Some(label) = word.strip_prefix('^') {
                let found = self.labels.get(label).copied();
                answers = Some(found.ok_or_else(|| line_error("unknown label", written))?);
            } else if let Some(label) = word.strip_prefix('#') {
                let place = self.before + place;
                if self.labels.insert(label.to_owned(), place).is_some() {
                    return Err(line_error("duplicate label", written));
                }
            } else {
                return Err(line_error("missing label", written));
            }
        }
        let fate = TextOutcome::Kept;
        Ok(new_line(from, text, LineContent::Text { answers, fate }))
    }

    /// Parses `sender renamed TITLE`, `sender added USER`,
    /// `sender promoted USER` or `sender left`.
    fn read_change(&self, written: &str) -> Result<ScriptLine> {
        let mut words = written.splitn(3, ' ');
        let mut next = || words.next().unwrap_or_default();
        let (from, verb, object) = (self.names.find_person(next())?, next(), next());
        let what = match verb {
            "renamed" => LineContent::Renamed(GroupTitle::parse(object).map_err(ScriptError::new)?),
            "added" => LineContent::Added(self.names.find_person(object)?),
            "promoted" => LineContent::MadeAdmin(self.names.find_person(object)?),
            "left" => LineContent::Left,
            _ => return Err(line_error("unknown action", written)),
        };
        Ok(new_line(from, "", what))
    }
}

fn new_line(from: PersonIndex, text: &str, what: LineContent) -> ScriptLine {
    ScriptLine {
        sender: from,
        text: text.to_owned(),
        content: what,
        pause: Duration::ZERO,
        reactions: Vec::new(),
    }
}

fn line_error(what: &str, line: &str) -> ScriptError {
    ScriptError::new(format_args!("{what}: {line}"))
}
