//! What a Room is asked, all of it through the Hub's handle.

use std::sync::Arc;

use actix::Message;
use entity::participant::Role;
use entity::{MessageId, UserId};

use crate::engine::reply::{Reply, Ticket};
use crate::protocol::{GroupTitle, User};
use crate::store::append::{How, Post, Settings};

/// One thing asked of a Room; those of one asker are judged in the order they
/// were asked.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum RoomCommand {
    /// Session or web → Room: do this.
    Ask {
        actor: UserId,
        ask: Ask,
        reply: Reply,
    },
    /// Hub → Room: tell what another one left untold.
    CatchUp(Ticket),
    /// Hub → every Room: somebody is shown as this from now on.
    Renamed(User),
}

/// What somebody asks of a conversation.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Send a message.
    Post(Arc<Post>),
    /// Do something to a message that is there.
    Touch(MessageId, How),
    /// Change one's own settings for it.
    Settings(Settings),
    /// Change the group's title.
    Rename(GroupTitle),
    /// Bring somebody in.
    Invite(User),
    /// Put somebody out; of oneself, it is leaving.
    Remove(UserId),
    /// Go.
    Leave,
    /// Make somebody a member, an admin, or the owner in one's place.
    SetRole(UserId, Role),
}

/// Hub → Room: nothing will be asked of you any more.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;
