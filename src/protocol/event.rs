//! Frames that the server sends on a socket.

use std::sync::Arc;

use bytestring::ByteString;
use entity::{ConversationId, MessageId, Millis, UserId};
use serde::{Serialize, Serializer};

use super::command::FrameReferences;
use super::invitation::Invitation;
use super::{Connection, Conversation, ErrorCode, FieldError, Message, Problem, User};

/// The version of this protocol, sent in `hello`.
pub const PROTOCOL_VERSION: u32 = 1;

/// A frame of the server.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerEvent {
    /// The first frame on every socket.
    Hello(Box<HelloEvent>),
    /// A new message; for its sender, also the acknowledgement.
    Message {
        conversation_id: ConversationId,
        #[serde(serialize_with = "serialize_shared")]
        message: Arc<Message>,
    },
    /// A message that was edited, deleted or reacted to, in its new state.
    MessageUpdated {
        conversation_id: ConversationId,
        #[serde(serialize_with = "serialize_shared")]
        message: Arc<Message>,
    },
    /// All other members have received, or have seen, everything up to these
    /// positions. In groups, only the senders of the newly covered messages get
    /// this frame.
    Status {
        conversation_id: ConversationId,
        all_delivered_seq: i64,
        all_read_seq: i64,
        at: Millis,
    },
    /// A user started or stopped typing.
    Typing {
        conversation_id: ConversationId,
        user_id: UserId,
        username: String,
        is_typing: bool,
    },
    /// A user's client has everything up to a message.
    Delivered(MarkerEvent),
    /// A user has seen everything up to a message.
    ReadReceipt(MarkerEvent),
    /// A user with a changed name.
    User { user: User },
    /// A user is online or offline now.
    UserStatus {
        user_id: UserId,
        username: String,
        is_online: bool,
        last_seen: Option<Millis>,
    },
    /// The user's unread counts: of this conversation and in total.
    Unread {
        conversation_id: ConversationId,
        unread_count: i64,
        total: i64,
    },
    /// A conversation that is new, or has another title, other members or other
    /// settings of the user.
    Conversation { conversation: Box<Conversation> },
    /// The user is no longer in the conversation, or it was closed.
    ConversationRemoved {
        conversation_id: ConversationId,
        reason: RemovalReason,
    },
    /// The replay of a conversation is complete up to this version.
    Resumed {
        conversation_id: ConversationId,
        version: i64,
        conversation: Box<Conversation>,
    },
    /// The server can't replay the conversation: the client has to read it over
    /// REST.
    Reset {
        conversation_id: ConversationId,
        reason: ResetReason,
    },
    /// The replay is complete: all conversations of the client's cursors, and
    /// the newest others.
    Synced {
        total_unread: i64,
        /// Whether the user has conversations that weren't sent: the client
        /// reads them from the list.
        more: bool,
        /// The client's new cursor for names: later changes are sent live.
        people_version: i64,
        /// Whether the client has to read names again, because more of them
        /// changed than a replay holds.
        people_reset: bool,
    },
    /// A connection in its new state.
    Connection { connection: Connection },
    /// An invitation to a group that the user left, in its new state.
    Invitation { invitation: Invitation },
    /// A refusal; the socket stays open.
    Error(ErrorEvent),
    /// The answer to `ping`.
    Pong,
}

/// The reason why a user is no longer in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RemovalReason {
    /// The user left.
    Left,
    /// Another member removed the user.
    Removed,
    /// The conversation was closed for all members.
    Closed,
}

/// The new position of a user's marker.
#[derive(Clone, Debug, Serialize)]
pub struct MarkerEvent {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub seq: i64,
    pub user_id: UserId,
    pub username: String,
    pub at: Millis,
    pub version: i64,
}

/// The reason why a conversation can't be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// More changed than a replay holds.
    TooFarBehind,
    /// The cursor names a version that doesn't exist yet.
    FutureCursor,
    /// The cursor belongs to another epoch: the database was restored.
    OtherHistory,
}

/// `hello`: the socket's user and the present state.
#[derive(Clone, Debug, Serialize)]
pub struct HelloEvent {
    pub protocol: u32,
    pub user: User,
    pub server_time: Millis,
    /// The epoch of the server's database.
    pub epoch: String,
    /// A cursor for names: later changes are sent live.
    pub people_version: i64,
    #[serde(flatten)]
    pub scope: HelloScope,
}

/// The conversations of a socket.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum HelloScope {
    /// One conversation.
    Bound { conversation: Box<Conversation> },
    /// All conversations of the user.
    Unbound {
        total_unread: i64,
        pending_connections: i64,
    },
}

/// `error`: a [`Problem`] on a socket, with the ids of the failed frame.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorEvent {
    pub code: ErrorCode,
    pub detail: String,
    /// The invalid fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl ErrorEvent {
    /// Returns the `error` frame of `problem`, with the ids in `named`.
    #[must_use]
    pub fn new(problem: Problem, named: FrameReferences) -> Self {
        // An `invalid` is described by its first invalid field, any other code
        // by its own detail.
        let detail = match problem.errors.first() {
            Some(error) if problem.code == ErrorCode::Invalid => {
                format!("{}: {}", error.field, error.detail)
            }
            _ => problem.detail.into_owned(),
        };
        Self {
            code: problem.code,
            detail,
            errors: problem.errors,
            conversation_id: named.conversation_id,
            client_id: named.client_id,
            message_id: named.message_id,
            retry_after: problem.retry_after,
        }
    }
}

/// Serializes the value itself. Events share it with the Room and the replies.
fn serialize_shared<S: Serializer>(message: &Arc<Message>, to: S) -> Result<S::Ok, S::Error> {
    Message::serialize(message, to)
}

impl ServerEvent {
    /// Returns the event of a message: `message`, or `message_updated` if it
    /// was changed since it was posted.
    #[must_use]
    pub fn of_message(message: Arc<Message>) -> Self {
        let conversation_id = message.conversation_id;
        if message.is_changed {
            Self::MessageUpdated {
                conversation_id,
                message,
            }
        } else {
            Self::Message {
                conversation_id,
                message,
            }
        }
    }

    /// Returns the frame's text, which is encoded once and then cloned by
    /// reference.
    #[must_use]
    pub fn encode(&self) -> ByteString {
        // Plain structs with string keys don't fail to encode, and clients
        // ignore an empty object.
        serde_json::to_string(self)
            .unwrap_or_else(|error| {
                tracing::error!(%error, "could not encode an event");
                "{}".to_owned()
            })
            .into()
    }
}
