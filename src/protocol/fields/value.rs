//! What a field can hold, and how it is refused: in our own words, which say
//! neither what was sent nor which types are behind.

use std::collections::HashMap;

use entity::participant::Role;
use entity::{ConversationId, MessageId, Millis};
use serde_json::value::RawValue;

use crate::protocol::problem::FieldError;

/// The most elements of a list that are at fault and named.
const NAMED_MOST: usize = 100;

/// A value of a field.
pub trait FieldValue: Sized {
    /// What such a field holds.
    const EXPECTED: &'static str;

    /// Reads a JSON value, which is well-formed.
    fn from_json(json: &str) -> Option<Self>;

    /// Reads a form's field.
    fn from_text(text: &str) -> Option<Self>;

    /// What is wrong with a JSON value that couldn't be read.
    fn faults(name: &str, json: &str) -> Vec<FieldError> {
        let _ = json;
        vec![FieldError::new(name, Self::EXPECTED)]
    }
}

impl FieldValue for String {
    const EXPECTED: &'static str = "a text";

    fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn faults(name: &str, json: &str) -> Vec<FieldError> {
        let detail = match json.starts_with('"') {
            true => "a text without half of a surrogate pair",
            false => Self::EXPECTED,
        };
        vec![FieldError::new(name, detail)]
    }
}

impl FieldValue for i64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FieldValue for i32 {
    const EXPECTED: &'static str = i64::EXPECTED;

    fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FieldValue for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FieldValue for ConversationId {
    const EXPECTED: &'static str = i64::EXPECTED;

    fn from_json(json: &str) -> Option<Self> {
        i64::from_json(json).map(Self)
    }

    fn from_text(text: &str) -> Option<Self> {
        i64::from_text(text).map(Self)
    }
}

impl FieldValue for MessageId {
    const EXPECTED: &'static str = i64::EXPECTED;

    fn from_json(json: &str) -> Option<Self> {
        i64::from_json(json).map(Self)
    }

    fn from_text(text: &str) -> Option<Self> {
        i64::from_text(text).map(Self)
    }
}

impl FieldValue for Millis {
    const EXPECTED: &'static str = "a time such as 2026-11-21T20:24:25.123Z";

    fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl FieldValue for Role {
    const EXPECTED: &'static str = "one of member, admin, owner";

    fn from_json(json: &str) -> Option<Self> {
        Self::from_text(&String::from_json(json)?)
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "member" => Some(Self::Member),
            "admin" => Some(Self::Admin),
            "owner" => Some(Self::Owner),
            _ => None,
        }
    }
}

impl FieldValue for Vec<String> {
    const EXPECTED: &'static str = "a list";

    fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn faults(name: &str, json: &str) -> Vec<FieldError> {
        let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(json) else {
            return vec![FieldError::new(name, Self::EXPECTED)];
        };
        let elements = elements.into_iter().map(RawValue::get).enumerate();
        elements
            .filter(|(_, json)| String::from_json(json).is_none())
            .flat_map(|(at, json)| String::faults(&format!("{name}[{at}]"), json))
            .take(NAMED_MOST)
            .collect()
    }
}

/// Up to which version a client has each conversation.
pub type Cursors = HashMap<ConversationId, i64>;

impl FieldValue for Cursors {
    const EXPECTED: &'static str = "an object";

    fn from_json(json: &str) -> Option<Self> {
        let named: HashMap<String, i64> = serde_json::from_str(json).ok()?;
        let read = |(name, version): (String, i64)| {
            let id: i64 = name.parse().ok()?;
            // One way to write a number, or one conversation could have two
            // cursors.
            (id.to_string() == name).then_some((ConversationId(id), version))
        };
        named.into_iter().map(read).collect()
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn faults(name: &str, json: &str) -> Vec<FieldError> {
        let detail = match json.starts_with('{') {
            true if serde_json::from_str::<HashMap<String, i64>>(json).is_ok() => "ids as keys",
            true => "whole numbers as values",
            false => Self::EXPECTED,
        };
        vec![FieldError::new(name, detail)]
    }
}
