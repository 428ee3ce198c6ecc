//! Messages, as clients see them.

use std::sync::Arc;

use entity::message::MessageKind;
use entity::{ConversationId, MessageId, Millis};
use icu_properties::CodePointSetData;
use icu_properties::props::BidiControl;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::User;
use super::encoding::json_len;

/// The status of a message for all its recipients together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// On disk.
    Sent,
    /// All recipients have received it.
    Delivered,
    /// All recipients have seen it.
    Read,
}

/// The original that a reply quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageQuote {
    pub id: MessageId,
    pub seq: i64,
    pub sender: User,
    /// The first 300 characters; empty after the original was deleted.
    pub text: String,
}

/// One emoji on a message, and the users who put it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReactionSummary {
    pub emoji: String,
    pub count: u32,
    /// The first 50 users.
    pub usernames: Vec<String>,
}

/// The status of a message for one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberReceipt {
    pub user: User,
    pub delivered: bool,
    pub read: bool,
    /// `None` before delivery, and in rooms of more than 100 members.
    pub delivered_at: Option<Millis>,
    pub read_at: Option<Millis>,
}

/// A message in its present state.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// The position in the conversation: 1, 2, 3, … without gaps.
    pub seq: i64,
    /// The version of the last change.
    pub version: i64,
    pub kind: MessageKind,
    pub text: String,
    /// The data of a system message, for programs.
    pub event: Option<Box<RawValue>>,
    pub sender: User,
    /// The sender's idempotency key.
    pub client_id: Option<String>,
    pub reply_to: Option<MessageQuote>,
    pub reactions: Vec<ReactionSummary>,
    pub created_at: Millis,
    pub edited_at: Option<Millis>,
    /// Whether the message was deleted; its text is then empty.
    pub deleted: bool,
    pub status: MessageStatus,
    pub delivered_at: Option<Millis>,
    pub is_read: bool,
    pub read_at: Option<Millis>,
    /// Whether the message was edited, deleted or reacted to after its post. It
    /// is then sent as `message_updated`.
    #[serde(skip)]
    pub is_changed: bool,
    /// The version of the last change, not counting changes of the quoted text.
    #[serde(skip)]
    pub own_version: i64,
    /// The version with which the message was posted.
    #[serde(skip)]
    pub posted_version: i64,
}

impl Message {
    /// Returns the message's length as JSON, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        json_len(self)
    }

    /// Returns the message for a member who joined after its original: without
    /// the quoted text and its changes. None if the member sees the original.
    #[must_use]
    pub fn hide_unseen_quote(&self, joined_seq: i64) -> Option<Self> {
        let quote = self.reply_to.as_ref()?;
        let unseen = quote.seq <= joined_seq;
        unseen.then(|| Self {
            version: self.own_version,
            is_changed: self.own_version > self.posted_version,
            reply_to: Some(MessageQuote {
                text: String::new(),
                ..quote.clone()
            }),
            ..self.clone()
        })
    }

    /// Returns the message as seen by a member who joined after this `seq`.
    #[must_use]
    pub fn visible_since(self: &Arc<Self>, joined_seq: i64) -> Arc<Self> {
        self.hide_unseen_quote(joined_seq)
            .map_or_else(|| Arc::clone(self), Arc::new)
    }

    /// Returns the `type` of a system message's event.
    #[must_use]
    pub fn event_type(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct SystemEventTag {
            r#type: String,
        }
        let event = self.event.as_ref()?;
        let typed: SystemEventTag = serde_json::from_str(event.get()).ok()?;
        Some(typed.r#type)
    }
}

/// Returns a name or title for use in a sentence, isolated so that neither
/// changes the text direction of the other. A first-strong isolate precedes it, a pop isolate follows it,
/// and other controls are removed.
#[must_use]
pub fn isolate_name(name: &str) -> String {
    let controls = CodePointSetData::new::<BidiControl>();
    let plain = name.chars().filter(|sign| !controls.contains(*sign));
    std::iter::once('\u{2068}')
        .chain(plain)
        .chain(std::iter::once('\u{2069}'))
        .collect()
}

/// Returns the event of a system message: an object with the `kind` as its
/// `type`, and `facts`.
#[must_use]
pub fn encode_system_event(kind: &str, facts: &Value) -> String {
    let mut event = json!({ "type": kind });
    if let (Some(event), Some(facts)) = (event.as_object_mut(), facts.as_object()) {
        event.extend(facts.clone());
    }
    event.to_string()
}

#[cfg(test)]
mod tests {
    use super::isolate_name;

    #[test]
    fn names_in_sentences_are_isolated() {
        for (name, expected) in [
            ("Ann", "\u{2068}Ann\u{2069}"),
            ("Ann\u{202e}", "\u{2068}Ann\u{2069}"),
            ("\u{2069}\u{200f}Ann\u{2066}", "\u{2068}Ann\u{2069}"),
            ("\u{5e9}\u{5dc}", "\u{2068}\u{5e9}\u{5dc}\u{2069}"),
        ] {
            assert_eq!(isolate_name(name), expected);
        }
    }
}
