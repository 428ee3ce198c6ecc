//! Refusals, as clients see them: `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::ErrorCode;

/// The fault of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's path in the body, such as `participants[3].role`.
    pub field: String,
    /// The expected value, for people.
    pub detail: String,
}

impl FieldError {
    /// Creates the fault of `field`, which should have been `detail`.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            detail: detail.into(),
        }
    }
}

/// The state of a rate limit for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// The capacity of the limit.
    pub limit: u32,
    /// The capacity that is left.
    pub remaining: u32,
    /// Seconds until the whole capacity is available again.
    pub reset: u32,
}

/// A refusal. It never holds the text of an inner error, which goes to the log
/// where the problem is created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    /// The stable error code.
    pub code: ErrorCode,
    /// Description of this occurrence, for people.
    pub detail: Cow<'static, str>,
    /// The invalid fields, for status 422.
    pub errors: Vec<FieldError>,
    /// Seconds to wait before a retry.
    pub retry_after: Option<u32>,
    /// The state of the exceeded rate limit. It is sent in headers, not in the
    /// body.
    pub rate_limit: Option<RateLimitStatus>,
}

impl Problem {
    /// Creates a problem with only a code and a detail.
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            rate_limit: None,
        }
    }

    /// Creates an `invalid` problem that names one field.
    pub fn invalid_field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid_fields().with_field(field, detail)
    }

    /// Creates an `invalid` problem that names no field yet.
    #[must_use]
    pub fn invalid_fields() -> Self {
        Self::new(ErrorCode::Invalid, "A field is invalid.")
    }

    /// Adds an invalid field with its detail.
    #[must_use]
    pub fn with_field(self, field: impl Into<String>, detail: impl Into<String>) -> Self {
        self.with_error(FieldError::new(field, detail))
    }

    /// Adds the fault of a field.
    #[must_use]
    pub fn with_error(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    /// Returns a 404, also for resources that are hidden from the user.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            ErrorCode::NotFound,
            "This doesn't exist, or you don't have access to it.",
        )
    }

    /// Returns the refusal for a former member of a conversation.
    #[must_use]
    pub fn not_a_participant() -> Self {
        Self::new(
            ErrorCode::NotAParticipant,
            "You are no longer in this conversation.",
        )
    }

    /// Returns a server error, whose cause is in the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            ErrorCode::Internal,
            "The server couldn't complete the request. The error is \
                                        in its log.",
        )
    }

    /// Returns the refusal of a server that is overloaded or shuts down.
    #[must_use]
    pub fn busy() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(ErrorCode::Busy, "The server is busy; try again.")
        }
    }

    /// Returns the refusal while the database can't be reached.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(
                ErrorCode::Unavailable,
                "The server can't reach its storage; try again later.",
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
        // RFC 9457 permits extension members.
        if self.code.status() == 422 {
            out.serialize_field("errors", &self.errors)?;
        }
        if let Some(seconds) = self.retry_after {
            out.serialize_field("retry_after", &seconds)?;
        }
        out.end()
    }
}
