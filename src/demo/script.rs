//! The parsed and checked script: every name is a user, and every reply has an
//! original.

use std::collections::BTreeMap;
use std::time::Duration;

use entity::Millis;
use serde::Deserialize;

use super::script_reader::{ScriptReader, opening_line};
use super::{PersonIndex, Result, clock};
use crate::protocol::{DisplayName, GroupTitle, Username};
use crate::store::{ImportedUser, NewUser};

const WORLD_FILE: &str = include_str!("world.toml");

/// An error in the script, for the developer who edits it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the demo's script: {0}")]
pub struct ScriptError(String);

impl ScriptError {
    pub(super) fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// The demo data, as written in `world.toml`.
pub struct DemoScript {
    /// The user to log in as first.
    pub(super) viewer: PersonIndex,
    /// All users.
    pub people: Vec<DemoPerson>,
    pub(super) connected: Vec<(PersonIndex, PersonIndex)>,
    pub(super) requests: Vec<DemoRequest>,
    pub(super) conversations: Vec<DemoConversation>,
}

/// A user of the demo.
pub struct DemoPerson {
    pub username: Username,
    pub display_name: DisplayName,
    pub about: String,
    /// The maximum time since the user was last online.
    pub(super) last_seen_ago: Duration,
}

/// An open connection request.
pub(super) struct DemoRequest {
    /// The requester and the recipient.
    pub(super) pair: (PersonIndex, PersonIndex),
    pub(super) ago: Duration,
}

pub(super) struct DemoConversation {
    /// The first title of a group.
    pub(super) title: Option<GroupTitle>,
    /// The first members, beginning with the user who opened it.
    pub(super) people: Vec<PersonIndex>,
    /// The number of newest texts that a user has not read (`unread`), or that
    /// none of the user's clients has (`undelivered`).
    pub(super) unread: BTreeMap<PersonIndex, usize>,
    pub(super) undelivered: BTreeMap<PersonIndex, usize>,
    pub(super) flag: Option<DemoFlag>,
    pub(super) scenes: Vec<DemoScene>,
}

/// The viewer's setting of a conversation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum DemoFlag {
    Pinned,
    Archived,
    Muted,
}

pub(super) struct DemoScene {
    pub(super) when: SceneTime,
    pub(super) lines: Vec<ScriptLine>,
}

#[derive(Clone, Copy)]
pub(super) enum SceneTime {
    /// The scene began this many days ago, at this minute of the day in UTC.
    On { days: i64, minutes: i64 },
    /// The last line of the scene is this old.
    Ended(Duration),
}

/// A message: a text of a user, or a change of the group.
pub(super) struct ScriptLine {
    pub(super) sender: PersonIndex,
    pub(super) text: String,
    pub(super) content: LineContent,
    /// The pause before it, in addition to the time to write it.
    pub(super) pause: Duration,
    pub(super) reactions: Vec<(String, Vec<PersonIndex>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LineContent {
    /// `answers` is the original of a reply, as an index into the lines.
    Text {
        answers: Option<usize>,
        fate: TextOutcome,
    },
    Created(GroupTitle),
    Renamed(GroupTitle),
    Added(PersonIndex),
    MadeAdmin(PersonIndex),
    Left,
}

/// The change that follows a text, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextOutcome {
    Kept,
    Edited,
    Deleted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldFile {
    you: String,
    /// The users who accepted, by requester.
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
    mine: Option<DemoFlag>,
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

/// The users by name.
pub(super) struct PersonNames(BTreeMap<String, PersonIndex>);

impl PersonNames {
    pub(super) fn find_person(&self, name: &str) -> Result<PersonIndex> {
        let found = self.0.get(name).copied();
        found.ok_or_else(|| ScriptError::new(format_args!("there is no person {name:?}")))
    }

    /// Returns the users of a list that is separated by spaces.
    pub(super) fn find_people(&self, names: &str) -> Result<Vec<PersonIndex>> {
        names
            .split_whitespace()
            .map(|one| self.find_person(one))
            .collect()
    }

    fn find_counts(
        &self,
        counts: &BTreeMap<String, usize>,
    ) -> Result<BTreeMap<PersonIndex, usize>> {
        let counts = counts.iter();
        counts
            .map(|(name, count)| Ok((self.find_person(name)?, *count)))
            .collect()
    }
}

impl DemoScript {
    /// Parses the script that is part of the binary.
    ///
    /// # Errors
    /// If the script is invalid, which a test rules out.
    pub fn load() -> Result<Self> {
        Self::parse(WORLD_FILE)
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let file: WorldFile = toml::from_str(text).map_err(ScriptError::new)?;
        let people = file
            .person
            .iter()
            .map(read_person)
            .collect::<Result<Vec<_>>>()?;
        let names = people.iter().enumerate();
        let names = names.map(|(at, one)| (one.username.as_str().to_owned(), PersonIndex(at)));
        let names = PersonNames(names.collect());
        let mut connected = Vec::new();
        for (from, others) in &file.connected {
            let from = names.find_person(from)?;
            connected.extend(names.find_people(others)?.into_iter().map(|to| (from, to)));
        }
        let requests = file.request.iter().map(|one| read_request(one, &names));
        let conversations = file.conversation.iter();
        let conversations = conversations.map(|one| read_conversation(one, &names));
        Ok(Self {
            viewer: names.find_person(&file.you)?,
            requests: requests.collect::<Result<_>>()?,
            conversations: conversations.collect::<Result<_>>()?,
            connected,
            people,
        })
    }

    /// Returns the user to log in as first.
    #[must_use]
    pub fn first_login(&self) -> Option<&DemoPerson> {
        self.people.get(self.viewer.0)
    }
}

impl DemoPerson {
    pub(super) fn to_newcomer(&self, password_hash: &str, created_at: Millis) -> ImportedUser {
        ImportedUser {
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

fn read_person(file: &PersonFile) -> Result<DemoPerson> {
    Ok(DemoPerson {
        username: Username::parse(&file.username).map_err(ScriptError::new)?,
        display_name: DisplayName::parse(&file.name).map_err(ScriptError::new)?,
        about: file.about.clone(),
        last_seen_ago: read_span(&file.seen)?,
    })
}

fn read_request(file: &RequestFile, names: &PersonNames) -> Result<DemoRequest> {
    Ok(DemoRequest {
        pair: (names.find_person(&file.from)?, names.find_person(&file.to)?),
        ago: read_span(&file.ago)?,
    })
}

fn read_conversation(file: &ConversationFile, names: &PersonNames) -> Result<DemoConversation> {
    let title = file.title.as_deref().map(GroupTitle::parse);
    let title = title.transpose().map_err(ScriptError::new)?;
    let people = names.find_people(&file.people)?;
    let mut reader = ScriptReader::new(names);
    let mut scenes = Vec::with_capacity(file.scene.len());
    for scene in &file.scene {
        // The first line of a group creates it.
        let first = scenes.is_empty().then_some(title.as_ref()).flatten();
        let made = first.zip(people.first());
        let made = made.map(|(title, maker)| opening_line(*maker, title));
        scenes.push(DemoScene {
            when: read_time(scene)?,
            lines: reader.read_scene(&scene.lines, made)?,
        });
    }
    Ok(DemoConversation {
        title,
        people,
        unread: names.find_counts(&file.unread)?,
        undelivered: names.find_counts(&file.undelivered)?,
        flag: file.mine,
        scenes,
    })
}

fn read_time(scene: &SceneFile) -> Result<SceneTime> {
    match (scene.day, &scene.at, &scene.ended) {
        (Some(days), Some(at), None) => {
            let minutes = clock::parse_minutes(at);
            let minutes = minutes.ok_or_else(|| ScriptError::new(format_args!("at = {at:?}")))?;
            Ok(SceneTime::On { days, minutes })
        }
        (None, None, Some(ago)) => Ok(SceneTime::Ended(read_span(ago)?)),
        _ => Err(ScriptError::new("a scene has a day and at, or ended")),
    }
}

pub(super) fn read_span(text: &str) -> Result<Duration> {
    let found = clock::parse_span(text);
    found.ok_or_else(|| ScriptError::new(format_args!("{text:?} isn't a duration")))
}
