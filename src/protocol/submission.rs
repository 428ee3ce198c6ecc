//! New messages, as a client submits them in a frame or a body.

use entity::MessageId;

use super::fields::FieldReader;
use super::{ClientId, MessageText, Problem};

/// A message to be sent. The `client_id` alone identifies a retry, which
/// succeeds even with invalid content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmittedMessage {
    pub client_id: Option<ClientId>,
    /// The text, or the problem of the content.
    pub text: Result<MessageText, Problem>,
    /// The message that this one replies to; none if the content is invalid.
    pub reply_to: Option<MessageId>,
}

impl SubmittedMessage {
    /// Reads `client_id`, `reply_to` and the text, which is the field `text`.
    /// If earlier fields of the same frame or body are invalid, all faults are
    /// answered together.
    pub fn read(fields: &mut FieldReader<'_>, text: &'static str) -> Option<Self> {
        let client_id = fields.optional_as("client_id", |text: String| ClientId::parse(&text));
        let may_be_retry = fields.has_no_faults() && matches!(client_id, Some(Some(_)));
        let reply_to = fields.optional("reply_to");
        let text = fields.required_as(text, |text: String| MessageText::parse(&text));
        let (text, reply_to) = match (text, reply_to) {
            (Some(text), Some(reply_to)) => (Ok(text), reply_to),
            _ if may_be_retry => (Err(fields.take_faults().into_problem()?), None),
            _ => return None,
        };
        Some(Self {
            client_id: client_id?,
            text,
            reply_to,
        })
    }

    /// Checks that the message can be sent, or can be the retry of a sent one.
    ///
    /// # Errors
    /// The problem of the content, if there is no `client_id`.
    pub fn require_text_or_id(self) -> Result<Self, Problem> {
        match (&self.text, &self.client_id) {
            (Err(problem), None) => Err(problem.clone()),
            _ => Ok(self),
        }
    }
}
