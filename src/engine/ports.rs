//! The messages that flow upwards: their receivers sit above their senders,
//! who hold no more than a `Recipient`. That is all it takes to have no
//! circles.

use std::sync::Arc;

use actix::Message;
use bytestring::ByteString;
use entity::ConversationId;

use crate::protocol::command::Named;
use crate::protocol::{CloseCode, Problem};
use crate::store::append::Outcome;

/// One event, encoded once for everybody who hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where it belongs; none where it is about the person alone.
    pub conversation: Option<ConversationId>,
    /// The version of the change that it tells; 0 where it tells none.
    pub version: i64,
    pub text: ByteString,
}

impl Frame {
    /// A frame about the person, that changes nothing lasting in any
    /// conversation.
    #[must_use]
    pub fn passing(text: ByteString) -> Self {
        Self {
            conversation: None,
            version: 0,
            text,
        }
    }
}

/// Room → Session, by the Directory: everything that one commit brought, in
/// the order of its versions. Those of one Room arrive in the order they were
/// told.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Deliver {
    pub frames: Arc<[Frame]>,
    /// Their length in bytes, which the Session's budget gets back.
    pub bytes: usize,
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

/// Directory → Session: be closed, after what was delivered before.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Close(pub CloseCode);

/// Journal → Room: what became of its appends, in the order it made them.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Committed {
    pub outcomes: Vec<Outcome>,
}

/// Journal → Hub: the Room that should tell this commit is no more.
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
