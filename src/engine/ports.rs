//! The messages that go up a layer. Their senders hold only a `Recipient`, so
//! that the layers stay free of cycles.

use std::sync::Arc;

use actix::Message;
use bytestring::ByteString;
use entity::{ConversationId, Millis};
use tokio::sync::mpsc::UnboundedSender;

use crate::protocol::command::FrameReferences;
use crate::protocol::{CloseCode, Problem, ServerEvent};
use crate::store::UnreadConversation;
use crate::store::append::BatchCommit;

/// The sockets that a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameAudience {
    /// Sockets that carry the frame's conversation, and sockets with the user's
    /// notifications.
    Notifications,
    /// Sockets that carry its conversation.
    Conversation,
}

/// One event, encoded once for all recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFrame {
    pub audience: FrameAudience,
    /// The frame's conversation; none if it is about the user alone.
    pub conversation: Option<ConversationId>,
    /// The version of the change that the frame announces; 0 if it announces
    /// none.
    pub version: i64,
    pub text: ByteString,
}

impl EventFrame {
    /// Returns a frame that announces the change with this version in a
    /// conversation.
    #[must_use]
    pub fn for_change(conversation: ConversationId, version: i64, event: &ServerEvent) -> Self {
        Self {
            audience: audience_of(event),
            conversation: Some(conversation),
            version,
            text: event.encode(),
        }
    }

    /// Returns a frame about the user that changes nothing lasting in any
    /// conversation.
    #[must_use]
    pub fn transient(event: &ServerEvent) -> Self {
        Self {
            audience: audience_of(event),
            conversation: None,
            version: 0,
            text: event.encode(),
        }
    }
}

fn audience_of(event: &ServerEvent) -> FrameAudience {
    match event {
        ServerEvent::MessageUpdated { .. }
        | ServerEvent::Status { .. }
        | ServerEvent::Typing { .. }
        | ServerEvent::Delivered(_)
        | ServerEvent::ReadReceipt(_)
        | ServerEvent::Resumed { .. }
        | ServerEvent::Reset { .. }
        | ServerEvent::Synced { .. } => FrameAudience::Conversation,
        ServerEvent::Hello(_)
        | ServerEvent::Message { .. }
        | ServerEvent::User { .. }
        | ServerEvent::UserStatus { .. }
        | ServerEvent::Unread { .. }
        | ServerEvent::Conversation { .. }
        | ServerEvent::ConversationRemoved { .. }
        | ServerEvent::Connection { .. }
        | ServerEvent::Invitation { .. }
        | ServerEvent::Error(_)
        | ServerEvent::Pong => FrameAudience::Notifications,
    }
}

/// Room → Session, through the Directory: the events of one commit, in the
/// order of their versions. A Room's deliveries arrive in the order they were
/// sent.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct SessionDelivery {
    pub frames: Arc<[EventFrame]>,
    /// The user's unread count in the conversation, if it changed. Sent only on
    /// sockets that aren't bound to a conversation.
    pub unread: Option<UnreadNotice>,
    /// The bytes that count in the session's budget until they are written.
    pub bytes: usize,
}

/// A user's unread count in a conversation, and whether it is part of their
/// total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadNotice {
    pub conversation: ConversationId,
    pub count: i64,
    /// The end of the mute; none if the conversation isn't muted.
    pub muted_until: Option<Millis>,
    /// Whether the user archived or left the conversation: its count is not
    /// part of the total.
    pub is_excluded: bool,
}

/// Room → the Session that sent a command: a reply for that session alone.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub enum SessionReply {
    /// The `message` frame of the message that a retry repeats.
    Echo(EventFrame),
    /// The command was refused.
    Refused(Problem, FrameReferences),
}

impl From<UnreadConversation> for UnreadNotice {
    fn from(waiting: UnreadConversation) -> Self {
        Self {
            conversation: waiting.conversation,
            count: waiting.count,
            muted_until: waiting.muted_until,
            is_excluded: false,
        }
    }
}

/// Directory → Session: check whether the client responds. The session answers
/// at the client's next frame, or drops the message if it ends first.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct ProbeCommand {
    pub session: u64,
    pub answers: UnboundedSender<u64>,
}

/// Directory → Session: close, after the earlier deliveries.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct CloseCommand(pub CloseCode);

/// Journal → Room: the outcomes of its appends, in the order it sent them, and
/// the markers that moved in its conversation.
impl Message for BatchCommit {
    type Result = ();
}

/// Journal → Hub: a change may be on disk that no Room will announce, since its
/// Room is gone or got a refusal for it.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct OrphanNotice(pub ConversationId);

/// Room → Hub: the Room has been idle for a while, and may be stopped.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RoomIdleNotice(pub RoomKey);

/// Room → Hub, sent by `Drop`: the Room is gone. The Hub no longer knows a Room
/// that it stopped; a Room that it still knows died.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct RoomGoneNotice(pub RoomKey);

/// Identifies one of a conversation's successive Rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoomKey {
    pub conversation: ConversationId,
    pub generation: u64,
}
