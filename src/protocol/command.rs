//! What a client says on a socket.

use entity::{ConversationId, MessageId};

pub use super::fields::Cursors;
use super::fields::FieldReader;
use super::sending::Sending;
use super::{Code, Emoji, MessageText, Problem};

/// A client's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send a message.
    Message(SendMessage),
    /// Say something else in a message of one's own.
    Edit(Edit),
    /// Take a message back.
    Delete(Delete),
    /// Put an emoji on a message, or take one's own off.
    Reaction(React),
    /// One started or stopped typing.
    Typing(Typing),
    /// This client has everything up to here.
    Delivered(UpTo),
    /// The person has seen everything up to here.
    ReadReceipt(UpTo),
    /// Replay what changed.
    Resume(Resume),
    /// Answered with `pong`.
    Ping,
}

/// `message`: comes back to every session of every participant as the
/// acknowledgement, once it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMessage {
    /// Needed on a socket that isn't bound to a conversation.
    pub conversation_id: Option<ConversationId>,
    pub sending: Sending,
}

/// `edit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub conversation_id: Option<ConversationId>,
    pub message_id: MessageId,
    pub message: MessageText,
}

/// `delete`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    pub conversation_id: Option<ConversationId>,
    pub message_id: MessageId,
}

/// `reaction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct React {
    pub conversation_id: Option<ConversationId>,
    pub message_id: MessageId,
    pub emoji: Emoji,
    pub on: bool,
}

/// `typing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typing {
    pub conversation_id: Option<ConversationId>,
    pub is_typing: bool,
}

/// `delivered` and `read_receipt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpTo {
    pub conversation_id: Option<ConversationId>,
    pub message_id: MessageId,
}

/// `resume`: one conversation from a version on, or all of one's own from
/// those that one has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    pub conversation_id: Option<ConversationId>,
    pub after: Option<i64>,
    pub cursors: Option<Cursors>,
    /// Of which history the versions are.
    pub epoch: Option<String>,
    /// Up to which people version the client has names.
    pub people: Option<i64>,
}

/// What a frame named, so that an `error` can say what it is about: each of
/// these that can be read, whether the frame's type uses it or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    pub conversation_id: Option<ConversationId>,
    pub client_id: Option<String>,
    pub message_id: Option<MessageId>,
}

/// A frame that was understood, and what it named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFrame {
    pub command: Command,
    pub named: Named,
}

/// A frame that couldn't be understood, and what it named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrame {
    pub problem: Problem,
    pub named: Named,
    /// Whether it lacks the `conversation_id` that some sockets need.
    pub lacks_conversation: bool,
}

/// Every field that a frame of some type uses.
const NAMES: &[&str] = &[
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
];

impl Command {
    /// The names of all commands.
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

    /// Reads one frame.
    ///
    /// # Errors
    /// `bad_json` where it is no JSON object, `unknown_type`, or what is wrong
    /// with its fields.
    pub fn parse(frame: &str) -> Result<ClientFrame, Box<BadFrame>> {
        let Ok(mut fields) = FieldReader::of_json(frame, NAMES) else {
            return Err(Box::new(BadFrame {
                problem: Problem::new(Code::BadJson, "A frame is one JSON object."),
                named: Named::default(),
                lacks_conversation: false,
            }));
        };
        let named = Named {
            conversation_id: fields.peek("conversation_id"),
            client_id: fields.peek("client_id"),
            message_id: fields.peek("message_id"),
        };
        let kind: Option<String> = fields.required("type");
        let is_about_one = kind.as_deref().is_some_and(is_about_one);
        let lacks_conversation = is_about_one && !fields.has("conversation_id");
        let command = kind.and_then(|kind| Self::of_kind(&kind, &mut fields));
        match fields.finish(command) {
            Ok(command) => Ok(ClientFrame { command, named }),
            Err(problem) => Err(Box::new(BadFrame {
                problem,
                named,
                lacks_conversation,
            })),
        }
    }

    fn of_kind(kind: &str, fields: &mut FieldReader<'_>) -> Option<Self> {
        match kind {
            "message" => send(fields),
            "edit" => edit(fields),
            "delete" => up_to(fields).map(|it| {
                Self::Delete(Delete {
                    conversation_id: it.conversation_id,
                    message_id: it.message_id,
                })
            }),
            "reaction" => react(fields),
            "typing" => typing(fields),
            "delivered" => up_to(fields).map(Self::Delivered),
            "read_receipt" => up_to(fields).map(Self::ReadReceipt),
            "resume" => resume(fields),
            "ping" => Some(Self::Ping),
            _ => {
                let detail = "There is no frame of this type.";
                fields.check("type", Err(Problem::new(Code::UnknownType, detail)))
            }
        }
    }
}

/// Whether a frame of this type is about one conversation.
fn is_about_one(kind: &str) -> bool {
    Command::TYPES.contains(&kind) && !["resume", "ping"].contains(&kind)
}

fn send(fields: &mut FieldReader<'_>) -> Option<Command> {
    let conversation_id = fields.optional("conversation_id");
    let sending = Sending::read(fields, "message");
    Some(Command::Message(SendMessage {
        conversation_id: conversation_id?,
        sending: sending?,
    }))
}

fn edit(fields: &mut FieldReader<'_>) -> Option<Command> {
    let up_to = up_to(fields);
    let message = fields.required_as("message", |text: String| MessageText::parse(&text));
    let UpTo {
        conversation_id,
        message_id,
    } = up_to?;
    Some(Command::Edit(Edit {
        conversation_id,
        message_id,
        message: message?,
    }))
}

fn react(fields: &mut FieldReader<'_>) -> Option<Command> {
    let up_to = up_to(fields);
    let emoji = fields.required_as("emoji", |text: String| Emoji::parse(&text));
    let on = fields.required("on");
    let UpTo {
        conversation_id,
        message_id,
    } = up_to?;
    Some(Command::Reaction(React {
        conversation_id,
        message_id,
        emoji: emoji?,
        on: on?,
    }))
}

fn typing(fields: &mut FieldReader<'_>) -> Option<Command> {
    let conversation_id = fields.optional("conversation_id");
    let is_typing = fields.required("is_typing");
    Some(Command::Typing(Typing {
        conversation_id: conversation_id?,
        is_typing: is_typing?,
    }))
}

fn up_to(fields: &mut FieldReader<'_>) -> Option<UpTo> {
    let conversation_id = fields.optional("conversation_id");
    let message_id = fields.required("message_id");
    Some(UpTo {
        conversation_id: conversation_id?,
        message_id: message_id?,
    })
}

fn resume(fields: &mut FieldReader<'_>) -> Option<Command> {
    let conversation_id = fields.optional("conversation_id");
    let after = fields.optional("after");
    let cursors = fields.optional("cursors");
    let epoch = fields.optional("epoch");
    let people = fields.optional("people");
    Some(Command::Resume(Resume {
        conversation_id: conversation_id?,
        after: after?,
        cursors: cursors?,
        epoch: epoch?,
        people: people?,
    }))
}

impl BadFrame {
    /// One that there is no room for.
    #[must_use]
    pub fn too_much(frame: ClientFrame) -> Self {
        Self {
            problem: Problem::busy(),
            named: frame.named,
            lacks_conversation: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_listed_is_known_and_every_other_is_not() {
        for name in Command::TYPES {
            let problem = Command::parse(&format!(r#"{{"type":"{name}","message":0}}"#));
            assert_ne!(
                problem.err().map(|bad| bad.problem.code),
                Some(Code::UnknownType)
            );
        }
        let bad = Command::parse(r#"{"type":"dance"}"#).unwrap_err();
        assert_eq!(bad.problem.code, Code::UnknownType);
    }
    fn resume(fields: &str) -> Result<Resume, Code> {
        match Command::parse(&format!(r#"{{"type":"resume",{fields}}}"#)) {
            Ok(ClientFrame {
                command: Command::Resume(resume),
                ..
            }) => Ok(resume),
            Ok(other) => panic!("{other:?}"),
            Err(bad) => Err(bad.problem.code),
        }
    }

    #[test]
    fn cursors_are_read_by_their_ids() {
        let resume = resume(r#""cursors":{"7":120,"9007199254740991":0}"#).unwrap();
        let cursors = [
            (ConversationId(7), 120),
            (ConversationId(9_007_199_254_740_991), 0),
        ];
        assert_eq!(resume.cursors, Some(cursors.into()));
        assert_eq!((resume.after, resume.conversation_id), (None, None));
    }

    #[test]
    fn what_is_no_cursor_is_invalid() {
        for fields in [
            r#""cursors":{"seven":1}"#,
            r#""cursors":{"07":1}"#,
            r#""cursors":{"7":"1"}"#,
            r#""cursors":{"7":null}"#,
            r#""cursors":[7]"#,
            r#""after":"1""#,
        ] {
            assert_eq!(resume(fields), Err(Code::Invalid), "{fields}");
        }
        assert_eq!(resume(r#""cursors":null,"after":1"#).unwrap().cursors, None);
    }

    #[test]
    fn error_has_every_readable_id() {
        let bad = |rest: &str| {
            let ids = r#""conversation_id":7,"client_id":"mine","message_id":9"#;
            let frame = format!(r#"{{"type":"message",{ids},{rest}}}"#);
            Command::parse(&frame).map(|frame| (frame.named, frame.command))
        };
        let named = Named {
            conversation_id: Some(ConversationId(7)),
            client_id: Some("mine".to_owned()),
            message_id: Some(MessageId(9)),
        };
        let (found, command) = bad(r#""message":"a\ud83d","reply_to":1e999"#).unwrap();
        assert_eq!(found, named);
        let Command::Message(send) = command else {
            panic!("{command:?}");
        };
        let problem = send.sending.content.unwrap_err();
        let fields: Vec<_> = problem.errors.iter().map(|it| &*it.field).collect();
        assert_eq!(fields, ["message", "reply_to"]);
        let twice = bad(r#""client_id":"other","message":"a""#).unwrap_err();
        assert_eq!(twice.named.client_id, None);
        assert_eq!(twice.named.conversation_id, named.conversation_id);
    }

    #[test]
    fn unused_fields_of_a_type_are_ignored() {
        for unused in [
            "1e999",
            r#""\udc00""#,
            &format!("{}{}", "[".repeat(129), "]".repeat(129)),
        ] {
            let frame = format!(
                r#"{{"type":"ping","x":{unused},"message":{unused},"conversation_id":{unused}}}"#
            );
            let parsed = Command::parse(&frame).unwrap();
            assert_eq!(parsed.command, Command::Ping, "{unused}");
        }
    }
}
