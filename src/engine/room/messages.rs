//! What a Room is asked, all of it through the Hub's handle.

use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use entity::participant::Role;
use entity::{MessageId, UserId};
use tokio::sync::oneshot;

use crate::engine::reply::{Reply, Ticket};
use crate::protocol::{GroupTitle, Problem, Sending, User};
use crate::store::append::{How, Mark, Post, Retry, Settings};

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
    /// Hub → Room: tell what another one left untold, or what was changed
    /// past it.
    CatchUp(Ticket),
    /// Hub → Room: give the ticket back once you know what is on disk. What
    /// comes after that, you will be told to tell.
    Await(oneshot::Sender<Ticket>, Ticket),
    /// Web → Room, where there is one: whether it takes messages may have
    /// changed.
    Refresh,
    /// Hub → every Room: somebody is shown as this from now on.
    Renamed(User),
}

/// That somebody types ends by itself so long after the last word of it.
pub(in crate::engine) const TYPING_HOLDS_FOR: Duration = Duration::from_secs(6);

/// What somebody asks of a conversation.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Send a message.
    Post(Arc<Post>),
    /// Find the message of a retry whose own content is at fault.
    FindSent(Arc<Retry>),
    /// Do something to a message that is there.
    Touch(MessageId, How),
    /// Move one's own marks up to a message.
    Mark(Mark),
    /// Say that one types, or doesn't any more, in one of one's sessions.
    Type { session: u64, is_typing: bool },
    /// Change one's own settings for it.
    Settings(Settings),
    /// Change the group's title.
    Rename(GroupTitle),
    /// Adds a user, who agreed to it or was only named.
    Invite { user: User, is_agreed: bool },
    /// Put somebody out; of oneself, it is leaving.
    Remove(UserId),
    /// Go.
    Leave,
    /// Make somebody a member, an admin, or the owner in one's place.
    SetRole(UserId, Role),
}

impl Ask {
    /// Has a message sent. If its content is at fault, it may still be a retry,
    /// which its `client_id` alone decides.
    ///
    /// # Errors
    /// What is wrong with the content, if there is no `client_id`.
    pub fn sending(sending: Sending) -> Result<Self, Problem> {
        let Sending { client_id, content } = sending;
        match (content, client_id) {
            (Ok(content), client_id) => Ok(Self::Post(Arc::new(Post {
                text: content.text,
                client_id,
                reply_to: content.reply_to,
            }))),
            (Err(fault), Some(client_id)) => {
                Ok(Self::FindSent(Arc::new(Retry { client_id, fault })))
            }
            (Err(fault), None) => Err(fault),
        }
    }
}

/// Hub → Room: nothing will be asked of you any more.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;
