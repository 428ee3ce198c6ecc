//! Frames that clients send on a socket.

use std::sync::Arc;

use entity::receipt::ReceiptKind;
use entity::{ConversationId, MessageId, Millis};

use super::action::{ConversationAction, GroupCommand, MessageAction};
use super::fields::FieldReader;
pub use super::fields::ResumeCursors;
use super::submission::SubmittedMessage;
use super::{Emoji, ErrorCode, MessageText, Problem};

/// The command of a client's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCommand {
    /// Act in a conversation. Once that is on disk, every session of every
    /// member gets its event. A sender's own copy of a message, the echo, is
    /// the acknowledgement.
    Act {
        /// Required on a socket that isn't bound to a conversation.
        conversation_id: Option<ConversationId>,
        action: ConversationAction<GroupCommand>,
    },
    /// Report that the user started or stopped typing.
    Typing(TypingFrame),
    /// Replay changes.
    Resume(ResumeFrame),
    /// Request a `pong`.
    Ping,
}

/// The fields of a `typing` frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypingFrame {
    pub conversation_id: Option<ConversationId>,
    pub is_typing: bool,
}

/// `resume`: requests the changes of one conversation after a version, or of
/// all the user's conversations after the client's cursors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeFrame {
    pub conversation_id: Option<ConversationId>,
    pub after: Option<i64>,
    pub cursors: Option<ResumeCursors>,
    /// The database's epoch to which the versions belong.
    pub epoch: Option<String>,
    /// The people version up to which the client has names.
    pub people: Option<i64>,
    /// Conversations that `cursors` doesn't name are only shown if their last
    /// activity is not earlier.
    pub since: Option<Millis>,
}

/// The ids in a frame, so that an `error` can refer to them. Each id that can
/// be read is here, even if the frame's type doesn't use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameReferences {
    pub conversation_id: Option<ConversationId>,
    pub client_id: Option<String>,
    pub message_id: Option<MessageId>,
}

impl FrameReferences {
    /// Returns the references of a frame about this conversation.
    #[must_use]
    pub fn within(&self, conversation: ConversationId) -> Self {
        Self {
            conversation_id: Some(conversation),
            ..self.clone()
        }
    }
}

/// A parsed frame, with the ids that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFrame {
    pub command: ClientCommand,
    pub references: FrameReferences,
}

/// A frame that couldn't be parsed, with the ids that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedFrame {
    pub problem: Problem,
    pub references: FrameReferences,
    /// Whether the `conversation_id` is missing, which unbound sockets require.
    pub lacks_conversation: bool,
}

/// The fields of all types of frames.
const FRAME_FIELDS: &[&str] = &[
    "type",
    "conversation_id",
    "client_id",
    "message_id",
    "message",
    "reply_to",
    "emoji",
    "on",
    "is_typing",
    "after",
    "cursors",
    "epoch",
    "people",
    "since",
];

impl ClientCommand {
    /// The types of all commands.
    pub const TYPES: [&'static str; 9] = [
        "message",
        "edit",
        "delete",
        "reaction",
        "typing",
        "delivered",
        "read_receipt",
        "resume",
        "ping",
    ];

    /// Parses one frame.
    ///
    /// # Errors
    /// `bad_json` if the frame isn't a JSON object, `unknown_type`, or the
    /// faults of the frame's fields.
    pub fn parse(frame: &str) -> Result<ClientFrame, Box<RejectedFrame>> {
        let Ok(mut fields) = FieldReader::from_json(frame, FRAME_FIELDS) else {
            return Err(Box::new(RejectedFrame {
                problem: Problem::new(ErrorCode::BadJson, "A frame is one JSON object."),
                references: FrameReferences::default(),
                lacks_conversation: false,
            }));
        };
        let named = FrameReferences {
            conversation_id: fields.peek("conversation_id"),
            client_id: fields.peek("client_id"),
            message_id: fields.peek("message_id"),
        };
        let kind: Option<String> = fields.required("type");
        let is_about_one = kind.as_deref().is_some_and(needs_conversation);
        let lacks_conversation = is_about_one && !fields.has("conversation_id");
        let command = kind.and_then(|kind| Self::parse_kind(&kind, &mut fields));
        match fields.finish(command) {
            Ok(command) => Ok(ClientFrame {
                command,
                references: named,
            }),
            Err(problem) => Err(Box::new(RejectedFrame {
                problem,
                references: named,
                lacks_conversation,
            })),
        }
    }

    fn parse_kind(kind: &str, fields: &mut FieldReader<'_>) -> Option<Self> {
        match kind {
            "message" => read_message(fields),
            "edit" => read_edit(fields),
            "delete" => Some(NamedMessage::read(fields)?.act(MessageAction::Delete)),
            "reaction" => read_reaction(fields),
            "typing" => read_typing(fields),
            "delivered" => Some(NamedMessage::read(fields)?.mark(ReceiptKind::Delivered)),
            "read_receipt" => Some(NamedMessage::read(fields)?.mark(ReceiptKind::Read)),
            "resume" => read_resume(fields),
            "ping" => Some(Self::Ping),
            _ => {
                let detail = "There is no frame of this type.";
                fields.check("type", Err(Problem::new(ErrorCode::UnknownType, detail)))
            }
        }
    }
}

/// Returns whether frames of this type concern one conversation.
fn needs_conversation(kind: &str) -> bool {
    ClientCommand::TYPES.contains(&kind) && !["resume", "ping"].contains(&kind)
}

/// The message that a frame is about.
struct NamedMessage {
    conversation_id: Option<ConversationId>,
    message: MessageId,
}

impl NamedMessage {
    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        let conversation_id = fields.optional("conversation_id");
        let message = fields.required("message_id");
        Some(Self {
            conversation_id: conversation_id?,
            message: message?,
        })
    }

    fn act(self, action: MessageAction) -> ClientCommand {
        let message = self.message;
        ClientCommand::Act {
            conversation_id: self.conversation_id,
            action: ConversationAction::Act { message, action },
        }
    }

    fn mark(self, kind: ReceiptKind) -> ClientCommand {
        ClientCommand::Act {
            conversation_id: self.conversation_id,
            action: ConversationAction::mark(kind, self.message),
        }
    }
}

fn read_message(fields: &mut FieldReader<'_>) -> Option<ClientCommand> {
    let conversation_id = fields.optional("conversation_id");
    let message = SubmittedMessage::read(fields, "message");
    Some(ClientCommand::Act {
        conversation_id: conversation_id?,
        action: ConversationAction::Send(Arc::new(message?)),
    })
}

fn read_edit(fields: &mut FieldReader<'_>) -> Option<ClientCommand> {
    let named = NamedMessage::read(fields);
    let text = fields.required_as("message", |text: String| MessageText::parse(&text));
    Some(named?.act(MessageAction::Edit(text?)))
}

fn read_reaction(fields: &mut FieldReader<'_>) -> Option<ClientCommand> {
    let named = NamedMessage::read(fields);
    let emoji = fields.required_as("emoji", |text: String| Emoji::parse(&text));
    let on = fields.required("on");
    let (emoji, on) = (emoji?, on?);
    Some(named?.act(MessageAction::React { emoji, on }))
}

fn read_typing(fields: &mut FieldReader<'_>) -> Option<ClientCommand> {
    let conversation_id = fields.optional("conversation_id");
    let is_typing = fields.required("is_typing");
    Some(ClientCommand::Typing(TypingFrame {
        conversation_id: conversation_id?,
        is_typing: is_typing?,
    }))
}

fn read_resume(fields: &mut FieldReader<'_>) -> Option<ClientCommand> {
    let conversation_id = fields.optional("conversation_id");
    let after = fields.optional("after");
    let cursors = fields.optional("cursors");
    let epoch = fields.optional("epoch");
    let people = fields.optional("people");
    let since = fields.optional("since");
    Some(ClientCommand::Resume(ResumeFrame {
        conversation_id: conversation_id?,
        after: after?,
        cursors: cursors?,
        epoch: epoch?,
        people: people?,
        since: since?,
    }))
}

impl RejectedFrame {
    /// Returns the refusal of a frame that the server has no capacity for.
    #[must_use]
    pub fn busy(frame: ClientFrame) -> Self {
        Self {
            problem: Problem::busy(),
            references: frame.references,
            lacks_conversation: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_frame_types_are_known() {
        for name in ClientCommand::TYPES {
            let problem = ClientCommand::parse(&format!(r#"{{"type":"{name}","message":0}}"#));
            assert_ne!(
                problem.err().map(|bad| bad.problem.code),
                Some(ErrorCode::UnknownType)
            );
        }
        let bad = ClientCommand::parse(r#"{"type":"dance"}"#).unwrap_err();
        assert_eq!(bad.problem.code, ErrorCode::UnknownType);
    }
    fn resume(fields: &str) -> Result<ResumeFrame, ErrorCode> {
        match ClientCommand::parse(&format!(r#"{{"type":"resume",{fields}}}"#)) {
            Ok(ClientFrame {
                command: ClientCommand::Resume(resume),
                ..
            }) => Ok(resume),
            Ok(other) => panic!("{other:?}"),
            Err(bad) => Err(bad.problem.code),
        }
    }

    #[test]
    fn cursors_are_keyed_by_conversation() {
        let resume = resume(r#""cursors":{"7":120,"9007199254740991":0}"#).unwrap();
        let cursors = [
            (ConversationId(7), 120),
            (ConversationId(9_007_199_254_740_991), 0),
        ];
        assert_eq!(resume.cursors, Some(cursors.into()));
        assert_eq!((resume.after, resume.conversation_id), (None, None));
    }

    #[test]
    fn malformed_cursors_are_invalid() {
        for fields in [
            r#""cursors":{"seven":1}"#,
            r#""cursors":{"07":1}"#,
            r#""cursors":{"7":"1"}"#,
            r#""cursors":{"7":null}"#,
            r#""cursors":[7]"#,
            r#""after":"1""#,
        ] {
            assert_eq!(resume(fields), Err(ErrorCode::Invalid), "{fields}");
        }
        assert_eq!(resume(r#""cursors":null,"after":1"#).unwrap().cursors, None);
    }

    #[test]
    fn error_has_every_readable_id() {
        let bad = |rest: &str| {
            let ids = r#""conversation_id":7,"client_id":"mine","message_id":9"#;
            let frame = format!(r#"{{"type":"message",{ids},{rest}}}"#);
            ClientCommand::parse(&frame).map(|frame| (frame.references, frame.command))
        };
        let named = FrameReferences {
            conversation_id: Some(ConversationId(7)),
            client_id: Some("mine".to_owned()),
            message_id: Some(MessageId(9)),
        };
        let (found, command) = bad(r#""message":"a\ud83d","reply_to":1e999"#).unwrap();
        assert_eq!(found, named);
        let ClientCommand::Act {
            action: ConversationAction::Send(message),
            ..
        } = command
        else {
            panic!("{command:?}");
        };
        let problem = message.text.as_ref().unwrap_err();
        let fields: Vec<_> = problem.errors.iter().map(|it| &*it.field).collect();
        assert_eq!(fields, ["message", "reply_to"]);
        let twice = bad(r#""client_id":"other","message":"a""#).unwrap_err();
        assert_eq!(twice.references.client_id, None);
        assert_eq!(twice.references.conversation_id, named.conversation_id);
    }

    #[test]
    fn unused_frame_fields_are_ignored() {
        for unused in [
            "1e999",
            r#""\udc00""#,
            &format!("{}{}", "[".repeat(129), "]".repeat(129)),
        ] {
            let frame = format!(
                r#"{{"type":"ping","x":{unused},"message":{unused},"conversation_id":{unused}}}"#
            );
            let parsed = ClientCommand::parse(&frame).unwrap();
            assert_eq!(parsed.command, ClientCommand::Ping, "{unused}");
        }
    }
}
