//! The fields of a body, a form or a frame, each read by itself.
//!
//! The text is tokenized once, into the values of the fields that its reader
//! knows. A field that the reader doesn't know is skipped, whatever it holds
//! and however deep it is nested. A field that is used and can't be read is a
//! fault of that field alone: all of them are collected and answered together.

mod faults;
mod value;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::protocol::Problem;
pub use faults::FieldFaults;
pub use value::{Cursors, FieldValue};

/// How often a field is kept: the second one shows that it came twice.
const KEPT: usize = 2;

/// What is read from the fields of a body, a form or a frame.
pub trait FromFields: Sized {
    /// The fields that it uses; all others are skipped.
    const NAMES: &'static [&'static str];

    /// Reads them all. None if a field is at fault, which the reader knows.
    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self>;
}

/// The text is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoObject;

/// The fields that came, and the faults of those that were read.
#[derive(Debug)]
pub struct FieldReader<'a> {
    fields: Vec<(&'static str, SentValue<'a>)>,
    faults: FieldFaults,
}

/// A field's value as it came.
#[derive(Clone, Debug)]
enum SentValue<'a> {
    Json(&'a str),
    Text(Cow<'a, str>),
}

impl<'a> FieldReader<'a> {
    /// The fields `names` of a JSON object.
    ///
    /// # Errors
    /// If the text is not RFC 8259, or its value is no object.
    pub fn of_json(text: &'a str, names: &[&'static str]) -> Result<Self, NoObject> {
        // The tokenizer keeps its own stack on the heap, so depth has no limit.
        let mut json = serde_json::Deserializer::from_str(text);
        let fields = KnownNames(names).deserialize(&mut json);
        let fields = fields.map_err(|_| NoObject)?;
        json.end().map_err(|_| NoObject)?;
        let fields = fields.into_iter();
        Ok(Self::of(
            fields.map(|(name, raw)| (name, SentValue::Json(raw.get()))),
        ))
    }

    /// The fields `names` of a form.
    #[must_use]
    pub fn of_form<'t: 'a>(
        pairs: impl IntoIterator<Item = (&'t str, &'t str)>,
        names: &[&'static str],
    ) -> Self {
        let mut fields = Vec::new();
        for (name, text) in pairs {
            if let Some(name) = names.iter().find(|known| **known == name) {
                keep(&mut fields, name, SentValue::Text(Cow::Borrowed(text)));
            }
        }
        Self::of(fields.into_iter())
    }

    fn of(fields: impl Iterator<Item = (&'static str, SentValue<'a>)>) -> Self {
        let fields: Vec<_> = fields.collect();
        let order = fields.iter().map(|(name, _)| *name).collect();
        Self {
            fields,
            faults: FieldFaults::in_order(order),
        }
    }

    /// A field that has to be there.
    pub fn required<V: FieldValue>(&mut self, name: &'static str) -> Option<V> {
        match self.optional(name)? {
            Some(value) => Some(value),
            None => {
                // A null that is not taken is of the wrong kind.
                let detail = match self.values(name).next() {
                    Some(_) => V::EXPECTED,
                    None => "this is needed",
                };
                self.faults.add(name, Problem::field(name, detail));
                None
            }
        }
    }

    /// A field that may be missing or null.
    pub fn optional<V: FieldValue>(&mut self, name: &'static str) -> Option<Option<V>> {
        let mut values = self.values(name);
        let read = match (values.next(), values.next()) {
            (None, _) | (Some(SentValue::Json("null")), None) => Ok(None),
            (Some(_), Some(_)) => Err(Problem::field(name, "only one of this")),
            (Some(SentValue::Json(json)), None) => V::from_json(json).map(Some).ok_or_else(|| {
                let faults = V::faults(name, json);
                faults.into_iter().fold(Problem::fields(), Problem::with)
            }),
            (Some(SentValue::Text(text)), None) => V::from_text(text)
                .map(Some)
                .ok_or_else(|| Problem::field(name, V::EXPECTED)),
        };
        drop(values);
        self.check(name, read)
    }

    /// What a field holds, if it is there once and can be read. It is no fault
    /// if it can't.
    #[must_use]
    pub fn peek<V: FieldValue>(&self, name: &str) -> Option<V> {
        let mut values = self.values(name);
        let value = values.next().filter(|_| values.next().is_none())?;
        match value {
            SentValue::Json(json) => V::from_json(json),
            SentValue::Text(text) => V::from_text(text),
        }
    }

    /// A field that may be missing, where null says something else than that.
    pub fn nullable<V: FieldValue>(&mut self, name: &'static str) -> Option<Option<Option<V>>> {
        let is_there = self.values(name).next().is_some();
        let value = self.optional(name)?;
        Some(is_there.then_some(value))
    }

    /// A text that may be missing: it is empty then.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name).map(Option::unwrap_or_default)
    }

    /// A field that has to be there and to pass `check`.
    pub fn required_as<V: FieldValue, T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(V) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.required(name)?;
        self.check(name, check(value))
    }

    /// A field that has to pass `check` if it is there.
    pub fn optional_as<V: FieldValue, T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce(V) -> Result<T, Problem>,
    ) -> Option<Option<T>> {
        let value = self.optional(name)?;
        let checked = value.map(check).transpose();
        self.check(name, checked)
    }

    /// What was made of a field; a problem is noted as the field's fault.
    pub fn check<T>(&mut self, name: &'static str, made: Result<T, Problem>) -> Option<T> {
        self.faults.check(name, made)
    }

    /// Whether no field is at fault so far.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether a field came, with a value other than null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let mut values = self.values(name);
        values.any(|value| !matches!(value, SentValue::Json("null")))
    }

    /// The faults so far, for those that are found later.
    #[must_use]
    pub fn into_faults(self) -> FieldFaults {
        self.faults
    }

    /// Takes the faults so far out, to be answered apart from later ones.
    pub fn take_faults(&mut self) -> FieldFaults {
        self.faults.take()
    }

    /// What was made of all fields.
    ///
    /// # Errors
    /// The faults of the fields, in the order of the body.
    pub fn finish<T>(self, made: Option<T>) -> Result<T, Problem> {
        self.faults.finish(made)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &SentValue<'a>> {
        let fields = self.fields.iter();
        fields.filter_map(move |(known, value)| (*known == name).then_some(value))
    }
}

fn keep<V>(fields: &mut Vec<(&'static str, V)>, name: &'static str, value: V) {
    let kept = fields.iter().filter(|(known, _)| *known == name).count();
    if kept < KEPT {
        fields.push((name, value));
    }
}

/// Reads the values of these names out of an object.
struct KnownNames<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for KnownNames<'_> {
    type Value = Vec<(&'static str, &'de RawValue)>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for KnownNames<'_> {
    type Value = Vec<(&'static str, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        // A name may be one that no text can hold, so it is taken raw, too.
        while let Some(name) = map.next_key::<&RawValue>()? {
            let value: &RawValue = map.next_value()?;
            if let Some(name) = self.known(name.get()) {
                keep(&mut fields, name, value);
            }
        }
        Ok(fields)
    }
}

impl KnownNames<'_> {
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
