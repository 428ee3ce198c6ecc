//! View models: what the pages show, built from the store's data. This module
//! chooses what to show and in which words; the templates only lay it out.

pub(super) mod bubble;
pub(super) mod closed;
mod hosts;
pub(super) mod info;
mod large_emoji;
pub(super) mod list;
pub(super) mod row;
pub(super) mod text;
pub(super) mod thread;

use crate::protocol::MessageStatus;

/// Whether another user is online, drawn as a mark on the avatar. `None` if the
/// viewer may not see the status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PresenceMark(Option<bool>);

impl PresenceMark {
    pub(super) fn new(is_online: Option<bool>) -> Self {
        Self(is_online)
    }

    /// Returns the class to add to the avatar.
    pub(super) fn class(self) -> &'static str {
        match self.0 {
            Some(true) => " is-online",
            Some(false) => " is-offline",
            None => "",
        }
    }

    /// Returns the status in words, for screen readers.
    pub(super) fn name(self) -> Option<&'static str> {
        self.0
            .map(|is_online| if is_online { "Online" } else { "Offline" })
    }
}

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
