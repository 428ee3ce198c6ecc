//! What the script says, checked: past here every name is somebody, and every
//! reply answers something.

use std::collections::BTreeMap;
use std::time::Duration;

use entity::Millis;
use serde::Deserialize;

use super::lines::{Reader, opening};
use super::{Result, Who, clock};
use crate::protocol::{DisplayName, GroupTitle, Username};
use crate::store::{NewUser, Newcomer};

const WORLD: &str = include_str!("world.toml");

/// What is wrong with the script: our fault, for whoever changes it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the demo's script: {0}")]
pub struct ScriptError(String);

impl ScriptError {
    pub(super) fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// A small world, as it is written down.
pub struct Script {
    /// Whom to log in as first.
    pub(super) you: Who,
    /// Everybody.
    pub people: Vec<Person>,
    pub(super) connected: Vec<(Who, Who)>,
    pub(super) requests: Vec<Request>,
    pub(super) conversations: Vec<Conversation>,
}

/// Somebody.
pub struct Person {
    pub username: Username,
    pub display_name: DisplayName,
    pub about: String,
    /// How long ago they were last here, at most.
    pub(super) seen: Duration,
}

/// Somebody who waits for an answer.
pub(super) struct Request {
    /// Who asked, and whom.
    pub(super) pair: (Who, Who),
    pub(super) ago: Duration,
}

pub(super) struct Conversation {
    /// A group's first one.
    pub(super) title: Option<GroupTitle>,
    /// Those in it at first, who opened it before the others.
    pub(super) people: Vec<Who>,
    /// How many of the newest texts somebody hasn't read, or doesn't even
    /// have.
    pub(super) unread: BTreeMap<Who, usize>,
    pub(super) undelivered: BTreeMap<Who, usize>,
    pub(super) mine: Option<Mine>,
    pub(super) scenes: Vec<Scene>,
}

/// Where the one to log in as keeps a conversation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mine {
    Pinned,
    Archived,
    Muted,
}

pub(super) struct Scene {
    pub(super) when: When,
    pub(super) lines: Vec<Line>,
}

#[derive(Clone, Copy)]
pub(super) enum When {
    /// It began so many days ago, at this minute of the day.
    On { days: i64, minutes: i64 },
    /// Its last line was said so long ago.
    Ended(Duration),
}

/// A message: of somebody's, or about the conversation.
pub(super) struct Line {
    pub(super) from: Who,
    pub(super) text: String,
    pub(super) what: What,
    /// How long nobody said anything before it, beside what it took to write.
    pub(super) pause: Duration,
    pub(super) reactions: Vec<(String, Vec<Who>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// What it answers, as a place among the conversation's lines.
    Text {
        answers: Option<usize>,
        fate: Fate,
    },
    Created(GroupTitle),
    Renamed(GroupTitle),
    Added(Who),
    MadeAdmin(Who),
    Left,
}

/// What became of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    Edited,
    Withdrawn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldFile {
    you: String,
    /// Who asked, and those who agreed.
    connected: BTreeMap<String, String>,
    person: Vec<PersonFile>,
    request: Vec<RequestFile>,
    conversation: Vec<ConversationFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonFile {
    username: String,
    name: String,
    about: String,
    seen: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestFile {
    from: String,
    to: String,
    ago: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConversationFile {
    title: Option<String>,
    people: String,
    #[serde(default)]
    unread: BTreeMap<String, usize>,
    #[serde(default)]
    undelivered: BTreeMap<String, usize>,
    mine: Option<Mine>,
    scene: Vec<SceneFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SceneFile {
    day: Option<i64>,
    at: Option<String>,
    ended: Option<String>,
    lines: String,
}

/// Who is called what.
pub(super) struct Names(BTreeMap<String, Who>);

impl Names {
    pub(super) fn find(&self, name: &str) -> Result<Who> {
        let found = self.0.get(name).copied();
        found.ok_or_else(|| ScriptError::new(format_args!("nobody is called {name:?}")))
    }

    /// Those of a list with spaces between.
    pub(super) fn all(&self, names: &str) -> Result<Vec<Who>> {
        names.split_whitespace().map(|one| self.find(one)).collect()
    }

    fn counts(&self, counts: &BTreeMap<String, usize>) -> Result<BTreeMap<Who, usize>> {
        let counts = counts.iter();
        counts
            .map(|(name, count)| Ok((self.find(name)?, *count)))
            .collect()
    }
}

impl Script {
    /// The one that comes with the binary.
    ///
    /// # Errors
    /// Where it can't be read, which a test rules out.
    pub fn load() -> Result<Self> {
        Self::read(WORLD)
    }

    pub(super) fn read(text: &str) -> Result<Self> {
        let file: WorldFile = toml::from_str(text).map_err(ScriptError::new)?;
        let people = file.person.iter().map(person).collect::<Result<Vec<_>>>()?;
        let names = people.iter().enumerate();
        let names = names.map(|(at, one)| (one.username.as_str().to_owned(), Who(at)));
        let names = Names(names.collect());
        let mut connected = Vec::new();
        for (from, others) in &file.connected {
            let from = names.find(from)?;
            connected.extend(names.all(others)?.into_iter().map(|to| (from, to)));
        }
        let requests = file.request.iter().map(|one| request(one, &names));
        let conversations = file.conversation.iter();
        let conversations = conversations.map(|one| conversation(one, &names));
        Ok(Self {
            you: names.find(&file.you)?,
            requests: requests.collect::<Result<_>>()?,
            conversations: conversations.collect::<Result<_>>()?,
            connected,
            people,
        })
    }

    /// Whom to log in as first.
    #[must_use]
    pub fn you(&self) -> Option<&Person> {
        self.people.get(self.you.0)
    }
}

impl Person {
    pub(super) fn newcomer(&self, password_hash: &str, created_at: Millis) -> Newcomer {
        Newcomer {
            user: NewUser {
                username: self.username.clone(),
                display_name: self.display_name.clone(),
                password_hash: password_hash.to_owned(),
                is_admin: false,
            },
            about: self.about.clone(),
            created_at,
        }
    }
}

fn person(file: &PersonFile) -> Result<Person> {
    Ok(Person {
        username: Username::parse(&file.username).map_err(ScriptError::new)?,
        display_name: DisplayName::parse(&file.name).map_err(ScriptError::new)?,
        about: file.about.clone(),
        seen: span(&file.seen)?,
    })
}

fn request(file: &RequestFile, names: &Names) -> Result<Request> {
    Ok(Request {
        pair: (names.find(&file.from)?, names.find(&file.to)?),
        ago: span(&file.ago)?,
    })
}

fn conversation(file: &ConversationFile, names: &Names) -> Result<Conversation> {
    let title = file.title.as_deref().map(GroupTitle::parse);
    let title = title.transpose().map_err(ScriptError::new)?;
    let people = names.all(&file.people)?;
    let mut reader = Reader::new(names);
    let mut scenes = Vec::with_capacity(file.scene.len());
    for scene in &file.scene {
        // A group begins with being made.
        let first = scenes.is_empty().then_some(title.as_ref()).flatten();
        let made = first.zip(people.first());
        let made = made.map(|(title, maker)| opening(*maker, title));
        scenes.push(Scene {
            when: when(scene)?,
            lines: reader.scene(&scene.lines, made)?,
        });
    }
    Ok(Conversation {
        title,
        people,
        unread: names.counts(&file.unread)?,
        undelivered: names.counts(&file.undelivered)?,
        mine: file.mine,
        scenes,
    })
}

fn when(scene: &SceneFile) -> Result<When> {
    match (scene.day, &scene.at, &scene.ended) {
        (Some(days), Some(at), None) => {
            let minutes = clock::minutes(at);
            let minutes = minutes.ok_or_else(|| ScriptError::new(format_args!("at = {at:?}")))?;
            Ok(When::On { days, minutes })
        }
        (None, None, Some(ago)) => Ok(When::Ended(span(ago)?)),
        _ => Err(ScriptError::new("a scene has a day and at, or ended")),
    }
}

pub(super) fn span(text: &str) -> Result<Duration> {
    let found = clock::span(text);
    found.ok_or_else(|| ScriptError::new(format_args!("{text:?} is no span of time")))
}
