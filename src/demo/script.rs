//! The script of the demo. The top of `world.toml` describes its fields.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Deserialize;

const WORLD_FILE: &str = include_str!("world.toml");

pub(super) type Result<T> = std::result::Result<T, ScriptError>;

/// An error in the script, for the developer who edits it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the demo's script: {0}")]
pub struct ScriptError(String);

impl ScriptError {
    pub(super) fn new(what: impl Display) -> Self {
        Self(what.to_string())
    }
}

/// The demo data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoScript {
    /// The user to log in as first.
    pub you: String,
    /// The users who accepted, by requester.
    pub(super) connected: BTreeMap<String, Vec<String>>,
    #[serde(rename = "person")]
    pub people: Vec<DemoPerson>,
    #[serde(rename = "request")]
    pub(super) requests: Vec<DemoRequest>,
    #[serde(rename = "conversation")]
    pub(super) conversations: Vec<DemoConversation>,
}

/// A user of the demo.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoPerson {
    pub username: String,
    pub name: String,
    pub(super) about: String,
    pub(super) seen: u32,
}

/// An open connection request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemoRequest {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) ago: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemoConversation {
    /// The first title of a group.
    pub(super) title: Option<String>,
    pub(super) people: Vec<String>,
    #[serde(default)]
    pub(super) unread: BTreeMap<String, usize>,
    #[serde(default)]
    pub(super) undelivered: BTreeMap<String, usize>,
    pub(super) mine: Option<DemoFlag>,
    #[serde(rename = "scene")]
    pub(super) scenes: Vec<DemoScene>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DemoFlag {
    Pinned,
    Archived,
    Muted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemoScene {
    pub(super) when: SceneTime,
    pub(super) lines: Vec<ScriptLine>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(super) enum SceneTime {
    Began { day: u32, at: (u32, u32) },
    Ended { ended: u32 },
}

/// A message, and what follows it.
#[derive(Deserialize)]
pub(super) struct ScriptLine {
    #[serde(rename = "by")]
    pub(super) sender: String,
    #[serde(flatten)]
    pub(super) content: LineContent,
    pub(super) label: Option<String>,
    pub(super) reply_to: Option<String>,
    #[serde(default)]
    pub(super) pause: u32,
    #[serde(default, rename = "edited")]
    pub(super) is_edited: bool,
    #[serde(default, rename = "deleted")]
    pub(super) is_deleted: bool,
    #[serde(default)]
    pub(super) reactions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LineContent {
    Text(String),
    #[serde(skip)]
    Created(String),
    Renamed(String),
    Added(String),
    Promoted(String),
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
        toml::from_str(text).map_err(ScriptError::new)
    }
}
