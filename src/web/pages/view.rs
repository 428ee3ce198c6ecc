//! What pages show, made from what the store answers: words and choices are
//! made here, so that the templates only place them.

pub(in crate::web) mod avatar;
pub(super) mod bubble;
pub(super) mod list;
pub(super) mod row;
pub(super) mod text;
pub(super) mod thread;
pub(in crate::web) mod times;

use crate::protocol::Status;

/// How far one's own message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticks(Status);

impl Ticks {
    pub(super) fn of(status: Status) -> Self {
        Self(status)
    }

    /// What it is called where it isn't seen.
    pub(super) fn name(self) -> &'static str {
        match self.0 {
            Status::Sent => "Sent",
            Status::Delivered => "Delivered",
            Status::Read => "Read",
        }
    }

    pub(super) fn are_two(self) -> bool {
        self.0 != Status::Sent
    }

    pub(super) fn are_blue(self) -> bool {
        self.0 == Status::Read
    }
}
