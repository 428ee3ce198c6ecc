//! The messages that flow upwards: their receivers sit above their senders,
//! who hold no more than a `Recipient`. That is all it takes to have no
//! circles.

use std::sync::Arc;

use actix::Message;
use bytestring::ByteString;
use entity::{ConversationId, Millis};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::protocol::command::Named;
use crate::protocol::{CloseCode, Event, Problem};
use crate::store::Waiting;
use crate::store::append::{Marks, Outcome};

/// Which sockets a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those that carry its conversation, and those with a person's news.
    News,
    /// Those that carry its conversation.
    Talk,
}

/// One event, encoded once for everybody who hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub reach: Reach,
    /// Where it belongs; none where it is about the person alone.
    pub conversation: Option<ConversationId>,
    /// The version of the change that it tells; 0 where it tells none.
    pub version: i64,
    pub text: ByteString,
}

impl Frame {
    /// A frame that tells the change that has this version in a conversation.
    #[must_use]
    pub fn telling((conversation, version): (ConversationId, i64), event: &Event) -> Self {
        Self {
            reach: reach(event),
            conversation: Some(conversation),
            version,
            text: event.encode(),
        }
    }

    /// A frame about the person, that changes nothing lasting in any
    /// conversation.
    #[must_use]
    pub fn passing(event: &Event) -> Self {
        Self {
            reach: reach(event),
            conversation: None,
            version: 0,
            text: event.encode(),
        }
    }
}

fn reach(event: &Event) -> Reach {
    match event {
        Event::MessageUpdated { .. }
        | Event::Status { .. }
        | Event::Typing { .. }
        | Event::Delivered(_)
        | Event::ReadReceipt(_)
        | Event::Resumed { .. }
        | Event::Reset { .. }
        | Event::Synced { .. } => Reach::Talk,
        Event::Hello(_)
        | Event::Message { .. }
        | Event::User { .. }
        | Event::UserStatus { .. }
        | Event::Unread { .. }
        | Event::Conversation { .. }
        | Event::ConversationRemoved { .. }
        | Event::Connection { .. }
        | Event::Invitation { .. }
        | Event::Error(_)
        | Event::Pong => Reach::News,
    }
}

/// Room → Session, by the Directory: everything that one commit brought, in
/// the order of its versions. Those of one Room arrive in the order they were
/// told.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Deliver {
    pub frames: Arc<[Frame]>,
    /// What waits for the person in their conversation, where that changed:
    /// told on sockets that aren't bound to it.
    pub unread: Option<Unread>,
    /// What it weighs in bytes, which the Session's budget gets back.
    pub bytes: usize,
}

/// How many messages wait for somebody in a conversation, and whether their
/// total counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    pub conversation: ConversationId,
    pub count: i64,
    /// Until then, they are muted.
    pub muted_until: Option<Millis>,
    /// Put away, or left.
    pub is_away: bool,
}

/// Room → the one Session that asked: what a broadcast doesn't tell it.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub enum Answer {
    /// The `message` frame of what a retry named.
    Echo(Frame),
    /// It was refused.
    Refused(Problem, Named),
}

impl From<Waiting> for Unread {
    fn from(waiting: Waiting) -> Self {
        Self {
            conversation: waiting.conversation,
            count: waiting.count,
            muted_until: waiting.muted_until,
            is_away: false,
        }
    }
}

/// Directory → Session: say whether the client is there. Sent back as soon as
/// the client says anything; dropped if the session ends before.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Probe {
    pub session: u64,
    pub answers: UnboundedSender<u64>,
}

/// Directory → Session: be closed, after what was delivered before.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Close(pub CloseCode);

/// Journal → Room: what became of its appends, in the order it made them.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Committed {
    pub outcomes: Vec<Outcome>,
    /// The marks that moved in that.
    pub marks: Marks,
    /// When it was on disk.
    pub at: Instant,
}

/// Journal → Hub: something may be on disk that no Room tells by itself, since
/// the one that should is no more, or was told that it failed.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Orphaned(pub ConversationId);

/// Room → Hub: it has had no work for a while, and may go.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RoomIdle(pub RoomKey);

/// Room → Hub, by `Drop`: it is no more. A Room that was told to go is
/// unknown to the Hub by then; one that is known died.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RoomGone(pub RoomKey);

/// Which of a conversation's Rooms, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoomKey {
    pub conversation: ConversationId,
    pub generation: u64,
}
