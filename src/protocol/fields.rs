//! The fields of a body, a form or a frame, each read by itself.
//!
//! The text is tokenized once, into the values of the fields that its reader
//! knows. Unknown fields are skipped, with any content and nesting depth. A
//! known field that can't be read is a fault of that field alone. All faults
//! are collected and answered together.

mod faults;
mod value;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::protocol::Problem;
pub use faults::FieldFaults;
pub use value::{FieldValue, ResumeCursors};

/// How many values of a field are kept: the second one shows that the field is
/// duplicated.
const VALUES_KEPT: usize = 2;

/// A type that is read from the fields of a body, a form or a frame.
pub trait FromFields: Sized {
    /// The fields that the type uses; all others are skipped.
    const NAMES: &'static [&'static str];

    /// Reads all fields. Returns `None` if a field is invalid; the reader then
    /// holds the field's fault.
    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self>;
}

/// The text isn't a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJsonObject;

/// The fields that were sent, and the faults of those that were read.
#[derive(Debug)]
pub struct FieldReader<'a> {
    fields: Vec<(&'static str, RawFieldValue<'a>)>,
    faults: FieldFaults,
}

/// A field's value as it was sent.
#[derive(Clone, Debug)]
enum RawFieldValue<'a> {
    Json(&'a str),
    Text(Cow<'a, str>),
}

impl<'a> FieldReader<'a> {
    /// Reads the fields `names` of a JSON object.
    ///
    /// # Errors
    /// If the text isn't valid by RFC 8259, or isn't an object.
    pub fn from_json(text: &'a str, names: &[&'static str]) -> Result<Self, NotJsonObject> {
        // The tokenizer keeps its own stack on the heap, so depth has no limit.
        let mut json = serde_json::Deserializer::from_str(text);
        let fields = KnownFields(names).deserialize(&mut json);
        let fields = fields.map_err(|_| NotJsonObject)?;
        json.end().map_err(|_| NotJsonObject)?;
        let fields = fields.into_iter();
        Ok(Self::from_values(
            fields.map(|(name, raw)| (name, RawFieldValue::Json(raw.get()))),
        ))
    }

    /// Reads the fields `names` of a form.
    #[must_use]
    pub fn from_form<'t: 'a>(
        pairs: impl IntoIterator<Item = (&'t str, &'t str)>,
        names: &[&'static str],
    ) -> Self {
        let mut fields = Vec::new();
        for (name, text) in pairs {
            if let Some(name) = names.iter().find(|known| **known == name) {
                keep_value(&mut fields, name, RawFieldValue::Text(Cow::Borrowed(text)));
            }
        }
        Self::from_values(fields.into_iter())
    }

    fn from_values(fields: impl Iterator<Item = (&'static str, RawFieldValue<'a>)>) -> Self {
        let fields: Vec<_> = fields.collect();
        let order = fields.iter().map(|(name, _)| *name).collect();
        Self {
            fields,
            faults: FieldFaults::in_order(order),
        }
    }

    /// Reads a required field.
    pub fn required<V: FieldValue>(&mut self, name: &'static str) -> Option<V> {
        match self.optional(name)? {
            Some(value) => Some(value),
            None => {
                // A null that isn't accepted is a value of the wrong type.
                let detail = match self.values(name).next() {
                    Some(_) => V::EXPECTED,
                    None => "required",
                };
                self.faults.add(name, Problem::invalid_field(name, detail));
                None
            }
        }
    }

    /// Reads a field. Returns `Some(None)` if it is missing or null, and `None`
    /// if it is invalid.
    pub fn optional<V: FieldValue>(&mut self, name: &'static str) -> Option<Option<V>> {
        let mut values = self.values(name);
        let read = match (values.next(), values.next()) {
            (None, _) | (Some(RawFieldValue::Json("null")), None) => Ok(None),
            (Some(_), Some(_)) => Err(Problem::invalid_field(name, "only one value is allowed")),
            (Some(RawFieldValue::Json(json)), None) => {
                V::from_json(json).map(Some).ok_or_else(|| {
                    let faults = V::faults(name, json);
                    faults
                        .into_iter()
                        .fold(Problem::invalid_fields(), Problem::with_error)
                })
            }
            (Some(RawFieldValue::Text(text)), None) => V::from_text(text)
                .map(Some)
                .ok_or_else(|| Problem::invalid_field(name, V::EXPECTED)),
        };
        drop(values);
        self.check(name, read)
    }

    /// Returns the value of a field that was sent once and can be read.
    /// Otherwise it returns `None`, without recording a fault.
    #[must_use]
    pub fn peek<V: FieldValue>(&self, name: &str) -> Option<V> {
        let mut values = self.values(name);
        let value = values.next().filter(|_| values.next().is_none())?;
        match value {
            RawFieldValue::Json(json) => V::from_json(json),
            RawFieldValue::Text(text) => V::from_text(text),
        }
    }

    /// Reads a field for which null isn't the same as missing. Returns
    /// `Some(Some(None))` for null, and `Some(None)` if the field is missing.
    pub fn nullable<V: FieldValue>(&mut self, name: &'static str) -> Option<Option<Option<V>>> {
        let is_there = self.values(name).next().is_some();
        let value = self.optional(name)?;
        Some(is_there.then_some(value))
    }

    /// Reads a text; a missing one is read as empty.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name).map(Option::unwrap_or_default)
    }

    /// Reads a required field that must pass `check`.
    pub fn required_as<V: FieldValue, T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(V) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.required(name)?;
        self.check(name, check(value))
    }

    /// Reads an optional field that must pass `check` if it was sent.
    pub fn optional_as<V: FieldValue, T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(V) -> Result<T, Problem>,
    ) -> Option<Option<T>> {
        let value = self.optional(name)?;
        let checked = value.map(check).transpose();
        self.check(name, checked)
    }

    /// Returns the validated value of a field, or records the problem as the
    /// field's fault.
    pub fn check<T>(&mut self, name: &'static str, made: Result<T, Problem>) -> Option<T> {
        self.faults.check(name, made)
    }

    /// Returns whether no field has a fault so far.
    #[must_use]
    pub fn has_no_faults(&self) -> bool {
        self.faults.is_empty()
    }

    /// Returns whether a field was sent, with a value other than null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let mut values = self.values(name);
        values.any(|value| !matches!(value, RawFieldValue::Json("null")))
    }

    /// Removes and returns the faults so far, so that the caller can report
    /// them apart from later ones.
    pub fn take_faults(&mut self) -> FieldFaults {
        self.faults.take()
    }

    /// Returns the value made of all fields.
    ///
    /// # Errors
    /// The faults of the fields, in the order of the body.
    pub fn finish<T>(self, made: Option<T>) -> Result<T, Problem> {
        self.faults.finish(made)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &RawFieldValue<'a>> {
        let fields = self.fields.iter();
        fields.filter_map(move |(known, value)| (*known == name).then_some(value))
    }
}

fn keep_value<V>(fields: &mut Vec<(&'static str, V)>, name: &'static str, value: V) {
    let kept = fields.iter().filter(|(known, _)| *known == name).count();
    if kept < VALUES_KEPT {
        fields.push((name, value));
    }
}

/// Reads the values of known fields from an object.
struct KnownFields<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for KnownFields<'_> {
    type Value = Vec<(&'static str, &'de RawValue)>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for KnownFields<'_> {
    type Value = Vec<(&'static str, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        // A field's name may hold half of a surrogate pair, which no `String`
        // can. So the name is read raw, like the value.
        while let Some(name) = map.next_key::<&RawValue>()? {
            let value: &RawValue = map.next_value()?;
            if let Some(name) = self.known(name.get()) {
                keep_value(&mut fields, name, value);
            }
        }
        Ok(fields)
    }
}

impl KnownFields<'_> {
    fn known(&self, json: &str) -> Option<&'static str> {
        let mut names = self.0.iter().copied();
        let bare = json.strip_prefix('"')?.strip_suffix('"')?;
        if !bare.contains('\\') {
            return names.find(|name| *name == bare);
        }
        let name: String = serde_json::from_str(json).ok()?;
        names.find(|known| *known == name)
    }
}

#[cfg(test)]
mod tests;
