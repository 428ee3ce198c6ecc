//! The page's initial data for its script. It holds the state as the API
//! returns it, so that the script requests nothing again, and blank views that
//! the script clones and fills.

use std::collections::{HashMap, HashSet};

use entity::conversation::ConversationKind;
use entity::{ConversationId, MessageId, Millis, UserId};
use serde::Serialize;

use super::view::bubble::{DisplayedName, MessageBubble, QuoteView, ViewerContext};
use super::view::row::{self, ConversationListItem};
use super::view::thread::{OpenThread, ThreadView};
use super::view::{PresenceMark, ReceiptTicks};
use crate::protocol::invitation::Invitation;
use crate::protocol::message::ReactionSummary;
use crate::protocol::{
    Connection, Conversation, Message, MessageStatus, Problem, User, UserProfile,
};
use crate::store::ActiveLogin;
use crate::web::display::avatars::Avatar;

#[derive(Serialize)]
pub(super) struct InitialState<'a> {
    me: User,
    conversations: Vec<Conversation>,
    connections: Vec<&'a Connection>,
    invitations: &'a [Invitation],
    total_unread: i64,
    server_time: Millis,
    /// Whether the list has the newest conversations.
    is_first: bool,
    /// The database epoch to which all versions in this data belong.
    epoch: &'a str,
    /// The people version up to which names are current.
    people_version: i64,
    /// Whether any conversation is archived, even one that isn't listed here.
    has_archived: bool,
    /// The number of unread messages in archived conversations.
    archived_unread: i64,
    /// Whether the user can invite people.
    can_invite: bool,
    open: Option<InitialThread<'a>>,
    /// For each group in the list, the members whose names look alike. The
    /// other members aren't in this data.
    alike: HashMap<ConversationId, HashSet<UserId>>,
}

#[derive(Serialize)]
struct InitialThread<'a> {
    conversation: Option<&'a Conversation>,
    them: Option<&'a UserProfile>,
    messages: &'a [Message],
    has_older: bool,
    has_newer: bool,
}

impl<'a> InitialState<'a> {
    pub(super) fn new(
        login: &ActiveLogin,
        conversations: &[Conversation],
        connections: Vec<&'a Connection>,
        server_time: Millis,
        open: Option<&'a OpenThread>,
    ) -> Self {
        let me = User::from(&login.user);
        let listed = conversations.iter().cloned();
        let groups = conversations
            .iter()
            .filter(|it| it.kind == ConversationKind::Group);
        let alike = groups.map(|group| (group.id, row::namesakes(group)));
        Self {
            alike: alike.filter(|(_, alike)| !alike.is_empty()).collect(),
            conversations: listed.map(|it| strip_members(it, &me)).collect(),
            connections,
            invitations: &[],
            total_unread: 0,
            server_time,
            is_first: true,
            epoch: "",
            people_version: 0,
            has_archived: false,
            archived_unread: 0,
            can_invite: false,
            open: open.map(InitialThread::from),
            me,
        }
    }

    pub(super) fn with_invitations(mut self, invitations: &'a [Invitation]) -> Self {
        self.invitations = invitations;
        self
    }

    pub(super) fn with_unread(mut self, total_unread: i64) -> Self {
        self.total_unread = total_unread;
        self
    }

    /// Sets the number of unread messages in archived conversations, if any is
    /// archived.
    pub(super) fn with_archived(mut self, unread: Option<i64>) -> Self {
        self.has_archived = unread.is_some();
        self.archived_unread = unread.unwrap_or_default();
        self
    }

    pub(super) fn with_first(mut self, is_first: bool) -> Self {
        self.is_first = is_first;
        self
    }

    pub(super) fn with_invite(mut self, can_invite: bool) -> Self {
        self.can_invite = can_invite;
        self
    }

    pub(super) fn with_history(mut self, epoch: &'a str, people_version: i64) -> Self {
        self.epoch = epoch;
        self.people_version = people_version;
        self
    }

    /// Returns the JSON that is embedded in the page.
    pub(super) fn to_json(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(|error| {
            tracing::error!(%error, "can't serialize a page's state");
            Problem::internal()
        })
    }
}

impl<'a> From<&'a OpenThread> for InitialThread<'a> {
    fn from(open: &'a OpenThread) -> Self {
        Self {
            conversation: open.conversation.as_ref(),
            them: open.them.as_ref(),
            messages: &open.page.messages,
            has_older: open.page.has_older,
            has_newer: open.page.has_newer,
        }
    }
}

/// Removes all members of a group but `me`. A list doesn't show them, and 50
/// groups of 100 members are too much to send.
fn strip_members(mut conversation: Conversation, me: &User) -> Conversation {
    if conversation.kind == ConversationKind::Group {
        let people = &mut conversation.participants;
        people.retain(|person| person.user.id == me.id);
    }
    conversation
}

/// The blank views that the script clones, with all optional parts.
pub(super) struct BlankViews {
    open: OpenThread,
    reactions: Vec<ReactionSummary>,
}

impl BlankViews {
    pub(super) fn new() -> Self {
        let reaction = ReactionSummary {
            emoji: String::new(),
            count: 0,
            usernames: Vec::new(),
        };
        Self {
            open: OpenThread::default(),
            reactions: vec![reaction],
        }
    }

    pub(super) fn row() -> ConversationListItem {
        ConversationListItem {
            href: String::new(),
            name: String::new(),
            avatar: Avatar::from_name(""),
            is_group: false,
            is_open: false,
            lead: Some(String::new()),
            preview: String::new(),
            is_aside: false,
            ticks: Some(ReceiptTicks::from_status(MessageStatus::Sent)),
            at: Millis(0),
            time: String::new(),
            unread: 1,
            presence: PresenceMark::new(Some(true)),
            is_muted: true,
            is_pinned: true,
            is_archived: false,
        }
    }

    pub(super) fn message(&self) -> MessageBubble<'_> {
        let quote = QuoteView {
            sender: DisplayedName::default(),
            hue: 0,
            text: " ",
            href: String::new(),
        };
        MessageBubble {
            id: MessageId(0),
            href: String::new(),
            reader: ViewerContext {
                me: UserId(0),
                is_group: false,
                people: &[],
                alike: None,
            },
            is_system: false,
            is_mine: true,
            is_first: true,
            sender: Some(DisplayedName::default()),
            avatar: Avatar::from_name(""),
            quote: Some(quote),
            text: "",
            is_deleted: false,
            is_edited: true,
            reactions: &self.reactions,
            at: Millis(0),
            clock: String::new(),
            ticks: Some(ReceiptTicks::from_status(MessageStatus::Sent)),
        }
    }

    pub(super) fn system(&self) -> MessageBubble<'_> {
        MessageBubble {
            is_system: true,
            ..self.message()
        }
    }

    pub(super) fn thread(&self, login: &ActiveLogin) -> ThreadView<'_> {
        ThreadView::new(&self.open, login.user.id, Millis(0))
    }
}
