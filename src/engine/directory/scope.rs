//! The frames that a socket carries.

use entity::ConversationId;

use crate::engine::ports::{EventFrame, FrameAudience};

/// The frames that a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketScope {
    /// One conversation.
    Conversation(ConversationId),
    /// The user's notifications: counts, statuses, connections, conversations,
    /// and each new message.
    Notifications,
    /// Every event of the user.
    Everything,
}

impl SocketScope {
    /// Returns whether a socket of this scope carries the frame.
    #[must_use]
    pub fn carries(self, frame: &EventFrame) -> bool {
        match self {
            Self::Everything => true,
            Self::Notifications => frame.audience == FrameAudience::Notifications,
            Self::Conversation(id) => frame.conversation == Some(id),
        }
    }

    /// Returns whether the socket is bound to one conversation.
    #[must_use]
    pub fn is_bound(self) -> bool {
        matches!(self, Self::Conversation(_))
    }
}
