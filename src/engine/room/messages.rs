//! The messages that a Room receives, all through the Hub's handle.

use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use entity::participant::MemberRole;
use entity::{MessageId, UserId};
use tokio::sync::oneshot;

use crate::engine::reply::{CommandReply, CommandTicket};
use crate::protocol::{GroupTitle, Problem, SubmittedMessage, User};
use crate::store::append::{
    MarkerUpdate, MemberSettingsPatch, MessageEditKind, MessagePost, RejectedPost,
};

/// A command to a Room. Commands of one caller are checked in the order they
/// were sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum RoomCommand {
    /// Session or web → Room: execute this.
    Execute {
        actor: UserId,
        ask: ConversationCommand,
        reply: CommandReply,
    },
    /// Session → Room: a user types or stopped. This is never stored.
    SetTyping(TypingReport, CommandReply),
    /// Hub → Room: announce changes that another Room left unannounced, or that
    /// were made outside the Room.
    CatchUp(CommandTicket),
    /// Hub → Room: return the ticket once the Room is loaded. `CatchUp` follows
    /// after the caller's change.
    AwaitLoad(oneshot::Sender<CommandTicket>, CommandTicket),
    /// Web → Room, if it is live: whether the conversation accepts messages may
    /// have changed.
    Refresh,
    /// Hub → every Room: a user has a new name.
    Renamed(User),
}

/// A typing indicator ends this long after its last update.
pub(in crate::engine) const TYPING_TIMEOUT: Duration = Duration::from_secs(6);

/// A session's report whether its user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypingReport {
    pub user: UserId,
    pub session: u64,
    pub is_typing: bool,
}

/// A command of a user to a conversation.
#[derive(Clone, Debug)]
pub enum ConversationCommand {
    /// Send a message.
    Post(Arc<MessagePost>),
    /// Find the message of a retry whose content is invalid now.
    FindSent(Arc<RejectedPost>),
    /// Edit an existing message.
    Edit(MessageId, MessageEditKind),
    /// Move the user's own markers up to a message.
    Mark(MarkerUpdate),
    /// Change the user's own settings for the conversation.
    UpdateSettings(MemberSettingsPatch),
    /// Change the group's title.
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

impl ConversationCommand {
    /// Returns the command to send a message. Invalid content may belong to a
    /// retry, whose message the Room finds by the `client_id`.
    ///
    /// # Errors
    /// The problem of the content, if there is no `client_id`.
    pub fn post_or_find_sent(sending: SubmittedMessage) -> Result<Self, Problem> {
        let SubmittedMessage { client_id, content } = sending;
        match (content, client_id) {
            (Ok(content), client_id) => Ok(Self::Post(Arc::new(MessagePost {
                text: content.text,
                client_id,
                reply_to: content.reply_to,
            }))),
            (Err(fault), Some(client_id)) => {
                Ok(Self::FindSent(Arc::new(RejectedPost { client_id, fault })))
            }
            (Err(fault), None) => Err(fault),
        }
    }
}

/// Hub → Room: stop; no more commands will come.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RetireRoom;
