//! The way to the Journal.

use actix::{Actor, Addr, ArbiterHandle};

use super::messages::{RoomPort, Write};
use super::{Journal, Parts};
use crate::store::append::Append;

/// A handle to the Journal: a cheap clone.
#[derive(Clone)]
pub struct JournalHandle {
    journal: Addr<Journal>,
}

impl JournalHandle {
    pub(in crate::engine) fn start(arbiter: &ArbiterHandle, parts: Parts) -> Self {
        Self {
            journal: Journal::start_in_arbiter(arbiter, move |_| Journal::new(parts)),
        }
    }

    /// Queues an append; `room` hears what became of it. What may wait here
    /// is bounded by the tickets of those who asked for it (see the Hub).
    pub fn append(&self, append: Append, room: RoomPort) {
        self.journal.do_send(Write { append, room });
    }
}
