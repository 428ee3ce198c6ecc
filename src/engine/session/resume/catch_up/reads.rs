//! The reads of a resume and their results.

use entity::{ConversationId, Millis};

use crate::protocol::{Conversation, Message};
use crate::store::{ConversationDelta, MissedRenames, ResumeConversations};

/// The next read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::session::resume) enum ReplayRead {
    /// No read: waits until the socket has room.
    Nothing,
    /// Names changed after a people version.
    Names(i64),
    /// The states of a user's conversations: those that the client named, and
    /// others without an earlier last activity than `since`.
    States {
        named: Vec<ConversationId>,
        since: Option<Millis>,
    },
    /// These conversations.
    Views(Vec<ConversationId>),
    /// The changes in one conversation.
    Round { id: ConversationId, after: i64 },
    /// Further changes of a round.
    Chunk {
        id: ConversationId,
        seqs: Vec<i64>,
        up_to: i64,
    },
}

/// The result of a read.
#[derive(Debug)]
pub(in crate::engine::session::resume) enum ReplayData {
    Nothing,
    Names(MissedRenames),
    States(ResumeConversations),
    Views(Vec<Conversation>),
    Round(Box<ConversationDelta>),
    Chunk(Vec<Message>),
}
