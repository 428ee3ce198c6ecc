//! A message as somebody sends it, in a frame or a body.

use entity::MessageId;

use super::fields::FieldReader;
use super::{ClientId, MessageText, Problem};

/// A message to be sent. A retry is known by its `client_id` alone, so what is
/// wrong with the content is no fault of the frame or body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    pub client_id: Option<ClientId>,
    pub content: Result<MessageContent, Problem>,
}

/// What a message says, and which one it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageContent {
    pub text: MessageText,
    pub reply_to: Option<MessageId>,
}

impl Sending {
    /// Reads `client_id`, `reply_to` and the text, which is the field `text`.
    /// What was read before of the same frame or body is at fault with it.
    pub fn read(fields: &mut FieldReader<'_>, text: &'static str) -> Option<Self> {
        let client_id = fields.optional_as("client_id", |text: String| ClientId::parse(&text));
        let may_be_retry = fields.is_fine() && matches!(client_id, Some(Some(_)));
        let reply_to = fields.optional("reply_to");
        let text = fields.required_as(text, |text: String| MessageText::parse(&text));
        let content = match (text, reply_to) {
            (Some(text), Some(reply_to)) => Ok(MessageContent { text, reply_to }),
            _ if may_be_retry => Err(fields.take_faults().into_problem()?),
            _ => return None,
        };
        Some(Self {
            client_id: client_id?,
            content,
        })
    }
}
