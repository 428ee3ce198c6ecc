//! What the page's script begins with: the state as the API would tell it, so
//! that nothing has to be asked twice; and an empty piece of each kind, which
//! it clones and fills.

use std::collections::{HashMap, HashSet};

use entity::conversation::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};
use serde::Serialize;

use super::view::Ticks;
use super::view::avatar::Avatar;
use super::view::bubble::{Bubble, Called, Quoted, Reader};
use super::view::row::{self, Row};
use super::view::thread::{Open, Thread};
use crate::protocol::invitation::Invitation;
use crate::protocol::message::Reaction;
use crate::protocol::{Connection, Conversation, Message, Problem, Profile, Status, User};
use crate::store::Login;

#[derive(Serialize)]
pub(super) struct Start<'a> {
    me: User,
    conversations: Vec<Conversation>,
    connections: Vec<&'a Connection>,
    invitations: &'a [Invitation],
    total_unread: i64,
    server_time: Millis,
    /// Of which history all versions here are.
    epoch: &'a str,
    /// Up to which people version it has names.
    people_version: i64,
    /// There is something in the archive, wherever in the list.
    has_archived: bool,
    open: Option<Opened<'a>>,
    /// Of each group in the list, the people whose names look alike: the rest
    /// of its people isn't here.
    alike: HashMap<ConversationId, HashSet<UserId>>,
}

#[derive(Serialize)]
struct Opened<'a> {
    conversation: Option<&'a Conversation>,
    them: Option<&'a Profile>,
    messages: &'a [Message],
    has_older: bool,
    has_newer: bool,
}

impl<'a> Start<'a> {
    pub(super) fn new(
        login: &Login,
        (conversations, connections): (&[Conversation], Vec<&'a Connection>),
        (total_unread, server_time): (i64, Millis),
        open: Option<&'a Open>,
    ) -> Self {
        let me = User::from(&login.user);
        let listed = conversations.iter().cloned();
        let groups = conversations.iter().filter(|it| it.kind == Kind::Group);
        let alike = groups.map(|group| (group.id, row::namesakes(group)));
        Self {
            alike: alike.filter(|(_, alike)| !alike.is_empty()).collect(),
            conversations: listed.map(|it| brief(it, &me)).collect(),
            connections,
            invitations: &[],
            total_unread,
            server_time,
            epoch: "",
            people_version: 0,
            has_archived: false,
            open: open.map(Opened::from),
            me,
        }
    }

    pub(super) fn with_invitations(mut self, invitations: &'a [Invitation]) -> Self {
        self.invitations = invitations;
        self
    }

    pub(super) fn with_archived(mut self, has_archived: bool) -> Self {
        self.has_archived = has_archived;
        self
    }

    pub(super) fn with_history(mut self, epoch: &'a str, people_version: i64) -> Self {
        self.epoch = epoch;
        self.people_version = people_version;
        self
    }

    /// As it stands in the page.
    pub(super) fn json(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(|error| {
            tracing::error!(%error, "can't tell a page's state");
            Problem::internal()
        })
    }
}

impl<'a> From<&'a Open> for Opened<'a> {
    fn from(open: &'a Open) -> Self {
        Self {
            conversation: open.conversation.as_ref(),
            them: open.them.as_ref(),
            messages: &open.page.messages,
            has_older: open.page.has_older,
            has_newer: open.page.has_newer,
        }
    }
}

/// A list shows nobody of a group: fifty times a hundred people needn't
/// travel.
fn brief(mut conversation: Conversation, me: &User) -> Conversation {
    if conversation.kind == Kind::Group {
        let people = &mut conversation.participants;
        people.retain(|person| person.user.id == me.id);
    }
    conversation
}

/// One of each kind, with every part that it may have.
pub(super) struct Blank {
    open: Open,
    reactions: Vec<Reaction>,
}

impl Blank {
    pub(super) fn new() -> Self {
        let reaction = Reaction {
            emoji: String::new(),
            count: 0,
            usernames: Vec::new(),
        };
        Self {
            open: Open::default(),
            reactions: vec![reaction],
        }
    }

    pub(super) fn row() -> Row {
        Row {
            href: String::new(),
            name: String::new(),
            avatar: Avatar::of(""),
            is_group: false,
            is_open: false,
            lead: Some(String::new()),
            preview: String::new(),
            is_aside: false,
            ticks: Some(Ticks::of(Status::Sent)),
            at: Millis(0),
            time: String::new(),
            unread: 1,
            is_online: true,
            is_muted: true,
            is_pinned: true,
        }
    }

    pub(super) fn message(&self) -> Bubble<'_> {
        let quote = Quoted {
            sender: Called::default(),
            hue: 0,
            text: " ",
            href: String::new(),
        };
        Bubble {
            id: MessageId(0),
            href: String::new(),
            reader: Reader {
                me: UserId(0),
                is_group: false,
                people: &[],
                alike: None,
            },
            is_system: false,
            is_mine: true,
            is_first: true,
            sender: Some(Called::default()),
            hue: 0,
            quote: Some(quote),
            text: "",
            is_withdrawn: false,
            is_edited: true,
            reactions: &self.reactions,
            at: Millis(0),
            clock: String::new(),
            ticks: Some(Ticks::of(Status::Sent)),
        }
    }

    pub(super) fn system(&self) -> Bubble<'_> {
        Bubble {
            is_system: true,
            ..self.message()
        }
    }

    pub(super) fn thread(&self, login: &Login) -> Thread<'_> {
        Thread::new(&self.open, login.user.id, Millis(0))
    }
}
