//! The values that fields can hold, and the details of their faults. A detail
//! reveals neither the sent value nor the Rust type.

use std::collections::HashMap;

use entity::participant::MemberRole;
use entity::{ConversationId, MessageId, Millis};
use serde_json::value::RawValue;

use crate::protocol::problem::FieldError;

/// The maximum number of invalid elements of a list that an error names.
const NAMED_FAULTS_MAX: usize = 100;

/// A type of value that a field can hold.
pub trait FieldValue: Sized {
    /// Description of the expected value.
    const EXPECTED: &'static str;

    /// Reads a well-formed JSON value. Returns `None` if it isn't as expected.
    fn from_json(json: &str) -> Option<Self>;

    /// Reads a form's field.
    fn from_text(text: &str) -> Option<Self>;

    /// Returns the faults of a JSON value that couldn't be read.
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
        let detail = if json.starts_with('"') {
            "a text without half of a surrogate pair"
        } else {
            Self::EXPECTED
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

impl FieldValue for MemberRole {
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
            .take(NAMED_FAULTS_MAX)
            .collect()
    }
}

/// The version up to which a client has each conversation.
pub type ResumeCursors = HashMap<ConversationId, i64>;

impl FieldValue for ResumeCursors {
    const EXPECTED: &'static str = "an object";

    fn from_json(json: &str) -> Option<Self> {
        let named: HashMap<String, i64> = serde_json::from_str(json).ok()?;
        let read = |(name, version): (String, i64)| {
            let id: i64 = name.parse().ok()?;
            // Other spellings of a number are refused, or one conversation
            // could have two cursors.
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
