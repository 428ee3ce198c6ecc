//! What a client says on a socket.

use std::collections::HashMap;

use entity::{ConversationId, MessageId};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::problem::FieldError;
use super::{Code, Problem, fields};

/// A client's frame.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SendMessage {
    /// Needed on a socket that isn't bound to a conversation.
    pub conversation_id: Option<ConversationId>,
    pub message: String,
    pub client_id: Option<String>,
    pub reply_to: Option<MessageId>,
}

/// `edit`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Edit {
    pub conversation_id: Option<ConversationId>,
    pub message_id: MessageId,
    pub message: String,
}

/// `delete`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Delete {
    pub conversation_id: Option<ConversationId>,
    pub message_id: MessageId,
}

/// `reaction`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct React {
    pub conversation_id: Option<ConversationId>,
    pub message_id: MessageId,
    pub emoji: String,
    pub on: bool,
}

/// `typing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Typing {
    pub conversation_id: Option<ConversationId>,
    pub is_typing: bool,
}

/// `delivered` and `read_receipt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct UpTo {
    pub conversation_id: Option<ConversationId>,
    pub message_id: MessageId,
}

/// `resume`: one conversation from a version on, or all of one's own from
/// those that one has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Resume {
    pub conversation_id: Option<ConversationId>,
    pub after: Option<i64>,
    #[serde(default, deserialize_with = "cursors")]
    pub cursors: Option<Cursors>,
}

/// Up to which version a client has each conversation.
pub type Cursors = HashMap<ConversationId, i64>;

/// The keys of a JSON object are strings, and a frame is looked at twice, for
/// its type and for its fields: nothing reads them as numbers the second time.
fn cursors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cursors>, D::Error> {
    let Some(named) = Option::<HashMap<String, i64>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let read = |(key, version): (String, i64)| {
        let id: i64 = key.parse().ok()?;
        // One way to write a number, or one conversation could have two cursors.
        (id.to_string() == key).then_some((ConversationId(id), version))
    };
    let cursors: Option<Cursors> = named.into_iter().map(read).collect();
    let what = de::Unexpected::Other("keys");
    let cursors = cursors.ok_or_else(|| de::Error::invalid_value(what, &"ids as keys"))?;
    Ok(Some(cursors))
}

/// What a frame named, so that an `error` can say what it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    pub conversation_id: Option<ConversationId>,
    pub client_id: Option<String>,
    pub message_id: Option<MessageId>,
}

/// A frame that couldn't be understood, and what it named all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrame {
    pub problem: Problem,
    pub named: Named,
}

impl Command {
    /// The names of all commands, for telling an unknown type from wrong
    /// fields.
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
    /// `bad_json` where it is no JSON object, `unknown_type`, or `invalid`
    /// where its fields are wrong.
    pub fn parse(frame: &str) -> Result<Self, Box<BadFrame>> {
        // serde would take a list for an object, its fields in order.
        if !is_object(frame) {
            return Err(Box::new(BadFrame::no_object()));
        }
        serde_json::from_str(frame).map_err(|error| Box::new(BadFrame::explain(frame, &error)))
    }

    /// What it names, for an `error` about it.
    #[must_use]
    pub fn names(&self) -> Named {
        let (conversation_id, message_id) = match self {
            Self::Ping => return Named::default(),
            Self::Message(send) => {
                return Named {
                    conversation_id: send.conversation_id,
                    client_id: send.client_id.clone(),
                    message_id: None,
                };
            }
            Self::Edit(edit) => (edit.conversation_id, Some(edit.message_id)),
            Self::Delete(delete) => (delete.conversation_id, Some(delete.message_id)),
            Self::Reaction(react) => (react.conversation_id, Some(react.message_id)),
            Self::Delivered(mark) | Self::ReadReceipt(mark) => {
                (mark.conversation_id, Some(mark.message_id))
            }
            Self::Typing(typing) => (typing.conversation_id, None),
            Self::Resume(resume) => (resume.conversation_id, None),
        };
        Named {
            conversation_id,
            client_id: None,
            message_id,
        }
    }
}

/// Whether a frame can only be a JSON object, if it is JSON at all.
fn is_object(frame: &str) -> bool {
    let frame = frame.trim_start_matches([' ', '\t', '\n', '\r']);
    frame.starts_with('{')
}

impl BadFrame {
    /// One that there is no room for.
    #[must_use]
    pub fn too_much(command: &Command) -> Self {
        Self {
            problem: Problem::busy(),
            named: command.names(),
        }
    }

    fn no_object() -> Self {
        Self {
            problem: Problem::new(Code::BadJson, "A frame is one JSON object."),
            named: Named::default(),
        }
    }

    /// Looks at a frame a second time, to say what is wrong with it. Only bad
    /// frames pay for this.
    fn explain(frame: &str, error: &serde_json::Error) -> Self {
        let Ok(Value::Object(fields)) = serde_json::from_str(frame) else {
            return Self::no_object();
        };
        let named = Named {
            conversation_id: fields
                .get("conversation_id")
                .and_then(Value::as_i64)
                .map(ConversationId),
            client_id: fields
                .get("client_id")
                .and_then(Value::as_str)
                .map(str::to_owned),
            message_id: fields
                .get("message_id")
                .and_then(Value::as_i64)
                .map(MessageId),
        };
        let problem = match fields.get("type") {
            Some(Value::String(name)) if Command::TYPES.contains(&name.as_str()) => {
                at_fault(name, frame, error)
            }
            Some(Value::String(_)) => {
                Problem::new(Code::UnknownType, "There is no frame of this type.")
            }
            _ => Problem::new(Code::Invalid, "A frame needs a 'type'."),
        };
        Self { problem, named }
    }
}

/// The field at fault. A frame is looked at for its type first, by which the
/// way to the field is lost: so its fields are read once more by themselves.
fn at_fault(kind: &str, frame: &str, error: &serde_json::Error) -> Problem {
    let found = match kind {
        "message" => wrong::<SendMessage>(frame),
        "edit" => wrong::<Edit>(frame),
        "delete" => wrong::<Delete>(frame),
        "reaction" => wrong::<React>(frame),
        "typing" => wrong::<Typing>(frame),
        "delivered" | "read_receipt" => wrong::<UpTo>(frame),
        "resume" => wrong::<Resume>(frame),
        _ => None,
    };
    let FieldError { field, detail } =
        found.unwrap_or_else(|| fields::explain("type", &error.to_string()));
    Problem::field(field, detail)
}

fn wrong<'de, T: Deserialize<'de>>(frame: &'de str) -> Option<FieldError> {
    let mut json = serde_json::Deserializer::from_str(frame);
    let error = serde_path_to_error::deserialize::<_, T>(&mut json).err()?;
    let (path, said) = (error.path().to_string(), error.inner().to_string());
    Some(fields::explain(&path, &said))
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
            Ok(Command::Resume(resume)) => Ok(resume),
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
}
