//! View models: what the pages show, built from the store's data. This module
//! chooses what to show and in which words; the templates only lay it out.

pub(super) mod bubble;
pub(super) mod list;
pub(super) mod row;
pub(super) mod text;
pub(super) mod thread;

use crate::protocol::MessageStatus;

/// The status of the user's own message, drawn as ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReceiptTicks(MessageStatus);

impl ReceiptTicks {
    pub(super) fn from_status(status: MessageStatus) -> Self {
        Self(status)
    }

    /// Returns the status in words, for screen readers.
    pub(super) fn name(self) -> &'static str {
        match self.0 {
            MessageStatus::Sent => "Sent",
            MessageStatus::Delivered => "Delivered",
            MessageStatus::Read => "Read",
        }
    }

    pub(super) fn are_two(self) -> bool {
        self.0 != MessageStatus::Sent
    }

    pub(super) fn are_blue(self) -> bool {
        self.0 == MessageStatus::Read
    }
}
