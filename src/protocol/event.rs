//! What the server says on a socket.

use bytestring::ByteString;
use entity::{ConversationId, MessageId, Millis, UserId};
use serde::Serialize;

use super::command::Named;
use super::invitation::Invitation;
use super::{Code, Connection, Conversation, FieldError, Message, Problem, User};

/// The version of this protocol, in `hello`.
pub const PROTOCOL: u32 = 1;

/// A server's frame.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The first frame on every socket.
    Hello(Box<Hello>),
    /// A new message; also the acknowledgement of one's own.
    Message {
        conversation_id: ConversationId,
        message: Box<Message>,
    },
    /// A message that was edited, withdrawn or reacted to, in its new state.
    MessageUpdated {
        conversation_id: ConversationId,
        message: Box<Message>,
    },
    /// All others have, or have seen, everything up to there: to those whose
    /// messages that newly covers, in groups.
    Status {
        conversation_id: ConversationId,
        all_delivered_seq: i64,
        all_read_seq: i64,
        at: Millis,
    },
    /// Somebody started or stopped typing.
    Typing {
        conversation_id: ConversationId,
        user_id: UserId,
        username: String,
        is_typing: bool,
    },
    /// Somebody's client has everything up to there.
    Delivered(Mark),
    /// Somebody has seen everything up to there.
    ReadReceipt(Mark),
    /// A user is called otherwise from now on.
    User { user: User },
    /// Somebody came or went.
    UserStatus {
        user_id: UserId,
        username: String,
        is_online: bool,
        last_seen: Option<Millis>,
    },
    /// How many messages wait for one, there and in all.
    Unread {
        conversation_id: ConversationId,
        unread_count: i64,
        total: i64,
    },
    /// A conversation that is new, or changed in title, people or one's own
    /// settings.
    Conversation { conversation: Box<Conversation> },
    /// One is no longer in it, or it is no more.
    ConversationRemoved {
        conversation_id: ConversationId,
        reason: RemovedReason,
    },
    /// The replay of a conversation is complete up to this version.
    Resumed {
        conversation_id: ConversationId,
        version: i64,
        conversation: Box<Conversation>,
    },
    /// It can't be replayed: it is to be read again over REST.
    Reset {
        conversation_id: ConversationId,
        reason: ResetReason,
    },
    /// All conversations that were named, and the newest others, are replayed.
    Synced {
        total_unread: i64,
        /// Whether there are others that weren't shown: the list has them.
        more: bool,
        /// Names that changed later are sent live.
        people_version: i64,
        /// Whether names have to be read again: more changed than is replayed.
        people_reset: bool,
    },
    /// A connection in its new state.
    Connection { connection: Connection },
    /// An invitation to a group that one left, in its new state.
    Invitation { invitation: Invitation },
    /// Something was refused; the socket stays open.
    Error(Refused),
    /// The answer to `ping`.
    Pong,
}

/// Why a conversation is no longer one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RemovedReason {
    /// One left.
    Left,
    /// Somebody put one out.
    Removed,
    /// It was closed for all.
    Closed,
}

/// Where a person's mark stands now.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub seq: i64,
    pub user_id: UserId,
    pub username: String,
    pub at: Millis,
    pub version: i64,
}

/// Why a conversation can't be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// More changed than a replay holds.
    TooFarBehind,
    /// The cursor is of a version that there is not yet.
    FutureCursor,
    /// The cursor is of another history: the database was restored.
    OtherHistory,
}

/// `hello`: who one is, and where things stand.
#[derive(Clone, Debug, Serialize)]
pub struct Hello {
    pub protocol: u32,
    pub user: User,
    pub server_time: Millis,
    /// Which history the server has.
    pub epoch: String,
    /// Names that changed later are sent live.
    pub people_version: i64,
    #[serde(flatten)]
    pub scope: Scope,
}

/// What a socket is for.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Scope {
    /// One conversation.
    Bound { conversation: Box<Conversation> },
    /// All of the user's.
    Unbound {
        total_unread: i64,
        pending_connections: i64,
    },
}

/// `error`: a [`Problem`] on a socket, with what the failed frame named.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    pub code: Code,
    pub detail: String,
    /// The fields at fault.
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

impl Refused {
    /// The `error` frame of `problem`, about what `named` says.
    #[must_use]
    pub fn new(problem: Problem, named: Named) -> Self {
        // A code of its own says it already; else the first field at fault does.
        let detail = match problem.errors.first() {
            Some(error) if problem.code == Code::Invalid => {
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

impl Event {
    /// The frame's text, made once and then cloned by reference.
    #[must_use]
    pub fn encode(&self) -> ByteString {
        // Plain structs with string keys: there is nothing that could fail,
        // and an empty object is what clients ignore.
        serde_json::to_string(self)
            .unwrap_or_else(|error| {
                tracing::error!(%error, "could not encode an event");
                "{}".to_owned()
            })
            .into()
    }
}
