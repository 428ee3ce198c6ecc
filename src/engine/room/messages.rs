//! The messages that a Room receives, all through the Hub's handle.

use std::time::Duration;

use actix::Message;
use entity::UserId;
use tokio::sync::oneshot;

use crate::engine::reply::{CommandReply, CommandTicket};
use crate::protocol::{ConversationAction, GroupCommand, User};

/// A command to a Room. Commands of one caller are checked in the order they
/// were sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum RoomCommand {
    /// Session or web → Room: execute this.
    Execute {
        actor: UserId,
        action: ConversationAction<GroupCommand>,
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

/// Hub → Room: stop; no more commands will come.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RetireRoom;
