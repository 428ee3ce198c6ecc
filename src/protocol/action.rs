//! What users do in conversations. The value that a frame or body is parsed
//! into is the value that is checked, written and announced.

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::participant::MemberRole;
use entity::receipt::ReceiptKind;
use entity::{MessageId, Millis, UserId};

use super::fields::{FieldReader, FromFields};
use super::input::{Emoji, GroupTitle, MessageText};
use super::submission::SubmittedMessage;
use super::user::User;

/// An action of a user in a conversation. `C` is the change of a group: a
/// client requests a [`GroupCommand`], from which the Room plans the change
/// that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationAction<C> {
    /// Send a message.
    Send(Arc<SubmittedMessage>),
    /// Change an existing message.
    Act {
        message: MessageId,
        action: MessageAction,
    },
    /// Move the user's own markers up to these messages.
    Mark(MarkedMessages),
    /// Change the user's own settings for the conversation.
    UpdateSettings(MemberSettingsPatch),
    /// Change the group.
    ChangeGroup(C),
}

/// The messages up to which a user received or read everything. Reading
/// implies delivery.
pub type MarkedMessages = BTreeMap<MessageId, ReceiptKind>;

/// A change of an existing message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageAction {
    /// The sender replaces the text.
    Edit(MessageText),
    /// The sender or a group's admin deletes the message.
    Delete,
    /// The user adds or removes a reaction.
    React { emoji: Emoji, on: bool },
}

/// A member's own settings for a conversation; unset fields stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberSettingsPatch {
    /// The new end of the mute; `Some(None)` unmutes.
    pub muted_until: Option<Option<Millis>>,
    pub archived: Option<bool>,
    pub pinned: Option<bool>,
}

/// A change of a group, as a member requests it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupCommand {
    /// Change the title.
    Rename(GroupTitle),
    /// Add a user; `is_agreed` is whether that user agreed to join.
    Invite { user: User, is_agreed: bool },
    /// Remove a user; a user who removes themselves leaves.
    Remove(UserId),
    /// Leave.
    Leave,
    /// Make a user a member, an admin, or the owner instead of the caller.
    SetRole(UserId, MemberRole),
}

impl<C> ConversationAction<C> {
    /// Returns the action that moves one marker.
    #[must_use]
    pub fn mark(kind: ReceiptKind, message: MessageId) -> Self {
        Self::Mark(MarkedMessages::from([(message, kind)]))
    }

    /// Returns the message to send.
    #[must_use]
    pub fn submitted(&self) -> Option<&SubmittedMessage> {
        match self {
            Self::Send(message) => Some(message),
            _ => None,
        }
    }

    /// Returns the message to change.
    #[must_use]
    pub fn changed_message(&self) -> Option<MessageId> {
        match self {
            Self::Act { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// Returns the messages to mark.
    #[must_use]
    pub fn marks(&self) -> Option<&MarkedMessages> {
        match self {
            Self::Mark(marks) => Some(marks),
            _ => None,
        }
    }

    /// Returns the change of the group.
    #[must_use]
    pub fn group_change(&self) -> Option<&C> {
        match self {
            Self::ChangeGroup(change) => Some(change),
            _ => None,
        }
    }

    /// Returns whether the user archives the conversation.
    #[must_use]
    pub fn archives(&self) -> bool {
        matches!(self, Self::UpdateSettings(settings) if settings.archived == Some(true))
    }

    /// Returns the action, with the change of the group replaced.
    pub fn with_change<D>(&self, change: impl FnOnce(&C) -> D) -> ConversationAction<D> {
        match self {
            Self::Send(message) => ConversationAction::Send(Arc::clone(message)),
            Self::Act { message, action } => ConversationAction::Act {
                message: *message,
                action: action.clone(),
            },
            Self::Mark(marks) => ConversationAction::Mark(marks.clone()),
            Self::UpdateSettings(settings) => ConversationAction::UpdateSettings(*settings),
            Self::ChangeGroup(wanted) => ConversationAction::ChangeGroup(change(wanted)),
        }
    }
}

impl MessageAction {
    /// Returns whether the text changes.
    #[must_use]
    pub fn changes_text(&self) -> bool {
        matches!(self, Self::Edit(_) | Self::Delete)
    }

    /// Returns whether this action only removes content. Removals are permitted
    /// even after the connection, the membership or the group ended.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        matches!(self, Self::Delete | Self::React { on: false, .. })
    }
}

impl FromFields for MemberSettingsPatch {
    const NAMES: &'static [&'static str] = &["muted_until", "archived", "pinned"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let muted_until = fields.nullable("muted_until");
        let archived = fields.optional("archived");
        let pinned = fields.optional("pinned");
        Some(Self {
            muted_until: muted_until?,
            archived: archived?,
            pinned: pinned?,
        })
    }
}
