//! A refusal as clients see it: `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::Code;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's path in the body, as `participants[3].role`.
    pub field: String,
    /// What it should have been, for people.
    pub detail: String,
}

impl FieldError {
    /// That `field` should have been `detail`.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            detail: detail.into(),
        }
    }
}

/// How somebody stands with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The most at once.
    pub limit: u32,
    /// How many of them are left.
    pub remaining: u32,
    /// Until all of them are there again, in seconds.
    pub reset: u32,
}

/// Why something was refused. It never holds the text of an inner error: that
/// goes to the log, where the problem is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    /// The stable reason.
    pub code: Code,
    /// This occurrence, for people.
    pub detail: Cow<'static, str>,
    /// The fields at fault, of a 422.
    pub errors: Vec<FieldError>,
    /// Seconds to wait before trying again.
    pub retry_after: Option<u32>,
    /// Of what there was too much: it stands in headers, not in the body.
    pub standing: Option<Standing>,
}

impl Problem {
    /// A problem that says no more than its code and `detail`.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            standing: None,
        }
    }

    /// An `invalid` that names the one field at fault.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields().at(field, detail)
    }

    /// An `invalid` that names no field yet.
    #[must_use]
    pub fn fields() -> Self {
        Self::new(Code::Invalid, "A field is wrong.")
    }

    /// The same, naming one more field at fault.
    #[must_use]
    pub fn at(self, field: impl Into<String>, detail: impl Into<String>) -> Self {
        self.with(FieldError::new(field, detail))
    }

    /// The same with one more field at fault.
    #[must_use]
    pub fn with(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    /// The 404 that also covers what one may not know of.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here.")
    }

    /// Our fault; the cause is in the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Code::Internal, "Something went wrong on our side.")
    }

    /// Too much at once, or stopping.
    #[must_use]
    pub fn busy() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(Code::Busy, "Too busy to take this now; try again.")
        }
    }

    /// The database can't be reached.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(
                Code::Unavailable,
                "The store can't be reached; try again later.",
            )
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Problem", 7)?;
        out.serialize_field(
            "type",
            &format_args!("urn:tidings:problem:{}", self.code.as_str()),
        )?;
        out.serialize_field("title", self.code.title())?;
        out.serialize_field("status", &self.code.status())?;
        out.serialize_field("detail", &self.detail)?;
        out.serialize_field("code", &self.code)?;
        // RFC 9457 lets a problem carry members of its own.
        if self.code.status() == 422 {
            out.serialize_field("errors", &self.errors)?;
        }
        if let Some(seconds) = self.retry_after {
            out.serialize_field("retry_after", &seconds)?;
        }
        out.end()
    }
}
