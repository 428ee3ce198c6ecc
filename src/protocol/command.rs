//! What a client says on a socket.

use entity::{ConversationId, MessageId};
use serde::Deserialize;
use serde_json::Value;

use super::{Code, Problem};

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
    /// Answered with `pong`.
    Ping,
}

/// The names of all commands, for telling an unknown type from wrong fields.
const TYPES: [&str; 5] = ["message", "edit", "delete", "reaction", "ping"];

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
    /// Reads one frame.
    ///
    /// # Errors
    /// `bad_json` where it is no JSON object, `unknown_type`, or `invalid`
    /// where its fields are wrong.
    pub fn parse(frame: &str) -> Result<Self, BadFrame> {
        serde_json::from_str(frame).map_err(|error| BadFrame::explain(frame, &error))
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
            Self::Edit(edit) => (edit.conversation_id, edit.message_id),
            Self::Delete(delete) => (delete.conversation_id, delete.message_id),
            Self::Reaction(react) => (react.conversation_id, react.message_id),
        };
        Named {
            conversation_id,
            client_id: None,
            message_id: Some(message_id),
        }
    }
}

impl BadFrame {
    /// Looks at a frame a second time, to say what is wrong with it. Only bad
    /// frames pay for this.
    fn explain(frame: &str, error: &serde_json::Error) -> Self {
        let Ok(Value::Object(fields)) = serde_json::from_str(frame) else {
            return Self {
                problem: Problem::new(Code::BadJson, "A frame is one JSON object."),
                named: Named::default(),
            };
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
            Some(Value::String(name)) if TYPES.contains(&name.as_str()) => {
                Problem::new(Code::Invalid, field_detail(error))
            }
            Some(Value::String(_)) => {
                Problem::new(Code::UnknownType, "There is no frame of this type.")
            }
            _ => Problem::new(Code::Invalid, "A frame needs a 'type'."),
        };
        Self { problem, named }
    }
}

/// serde's own account of what it expected names only fields and types of the
/// protocol; the place in the text that it adds helps nobody.
fn field_detail(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text.get(..end).unwrap_or("A field is wrong.").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_listed_is_known_and_every_other_is_not() {
        for name in TYPES {
            let problem = Command::parse(&format!(r#"{{"type":"{name}","message":0}}"#));
            assert_ne!(
                problem.err().map(|bad| bad.problem.code),
                Some(Code::UnknownType)
            );
        }
        let bad = Command::parse(r#"{"type":"dance"}"#).unwrap_err();
        assert_eq!(bad.problem.code, Code::UnknownType);
    }
}
