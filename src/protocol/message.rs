//! A message as clients see it.

use std::sync::Arc;

use entity::message::Kind;
use entity::{ConversationId, MessageId, Millis};
use icu_properties::CodePointSetData;
use icu_properties::props::BidiControl;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::User;
use super::encoding::json_len;

/// How far a message has come with all the others it was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// On disk.
    Sent,
    /// All others have it.
    Delivered,
    /// All others have seen it.
    Read,
}

/// What a message answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    pub id: MessageId,
    pub seq: i64,
    pub sender: User,
    /// Its first 300 characters; empty once the original is withdrawn.
    pub text: String,
}

/// One emoji on a message, and who put it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reaction {
    pub emoji: String,
    pub count: u32,
    /// The first 50.
    pub usernames: Vec<String>,
}

/// How far a message has come with one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub user: User,
    pub delivered: bool,
    pub read: bool,
    /// None in rooms of over 100.
    pub delivered_at: Option<Millis>,
    pub read_at: Option<Millis>,
}

/// A message in its present state.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// Its place in the conversation: 1, 2, 3, … without gaps.
    pub seq: i64,
    /// The version of its last change.
    pub version: i64,
    pub kind: Kind,
    pub text: String,
    /// A system message's machine-readable side.
    pub event: Option<Box<RawValue>>,
    pub sender: User,
    /// The sender's own name for it.
    pub client_id: Option<String>,
    pub reply_to: Option<Quote>,
    pub reactions: Vec<Reaction>,
    pub created_at: Millis,
    pub edited_at: Option<Millis>,
    /// Withdrawn: no text any more.
    pub deleted: bool,
    pub status: Status,
    pub delivered_at: Option<Millis>,
    pub is_read: bool,
    pub read_at: Option<Millis>,
    /// Edited, withdrawn or reacted to since it was posted: told as
    /// `message_updated`.
    #[serde(skip)]
    pub is_touched: bool,
    /// The version of its last change, without those of the text that it
    /// quotes.
    #[serde(skip)]
    pub own_version: i64,
    /// The version in which it was posted.
    #[serde(skip)]
    pub posted_version: i64,
}

impl Message {
    /// How many bytes it has as JSON.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        json_len(self)
    }

    /// The message for a member who joined after what it quotes: without that
    /// text, and without its changes. None if the member sees the original.
    #[must_use]
    pub fn without_unseen_quote(&self, joined_seq: i64) -> Option<Self> {
        let quote = self.reply_to.as_ref()?;
        let unseen = quote.seq <= joined_seq;
        unseen.then(|| Self {
            version: self.own_version,
            is_touched: self.own_version > self.posted_version,
            reply_to: Some(Quote {
                text: String::new(),
                ..quote.clone()
            }),
            ..self.clone()
        })
    }

    /// The message as a member sees it who joined after this `seq`.
    #[must_use]
    pub fn seen_after(self: &Arc<Self>, joined_seq: i64) -> Arc<Self> {
        self.without_unseen_quote(joined_seq)
            .map_or_else(|| Arc::clone(self), Arc::new)
    }

    /// The `type` of a system message's event.
    #[must_use]
    pub fn event_type(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Typed {
            r#type: String,
        }
        let event = self.event.as_ref()?;
        let typed: Typed = serde_json::from_str(event.get()).ok()?;
        Some(typed.r#type)
    }
}

/// A name or a title in a sentence. Neither reorders the text around the other:
/// first-strong isolate before, pop isolate after, no control between.
#[must_use]
pub fn isolate(name: &str) -> String {
    let controls = CodePointSetData::new::<BidiControl>();
    let plain = name.chars().filter(|sign| !controls.contains(*sign));
    std::iter::once('\u{2068}')
        .chain(plain)
        .chain(std::iter::once('\u{2069}'))
        .collect()
}

/// The machine-readable side of a system message: an object with the `kind`
/// as its `type`, and `facts`.
#[must_use]
pub fn system_event(kind: &str, facts: &Value) -> String {
    let mut event = json!({ "type": kind });
    if let (Some(event), Some(facts)) = (event.as_object_mut(), facts.as_object()) {
        event.extend(facts.clone());
    }
    event.to_string()
}

#[cfg(test)]
mod tests {
    use super::isolate;

    #[test]
    fn names_in_sentences_are_isolated() {
        for (name, expected) in [
            ("Ann", "\u{2068}Ann\u{2069}"),
            ("Ann\u{202e}", "\u{2068}Ann\u{2069}"),
            ("\u{2069}\u{200f}Ann\u{2066}", "\u{2068}Ann\u{2069}"),
            ("\u{5e9}\u{5dc}", "\u{2068}\u{5e9}\u{5dc}\u{2069}"),
        ] {
            assert_eq!(isolate(name), expected);
        }
    }
}
