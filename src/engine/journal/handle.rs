//! The way to the Journal.

use std::sync::Arc;

use actix::{Actor, Addr, ArbiterHandle};

use super::messages::{RoomPort, Write};
use super::{Journal, Parts};
use crate::counters::Counters;
use crate::store::append::Append;

/// A handle to the Journal: a cheap clone.
#[derive(Clone)]
pub struct JournalHandle {
    journal: Addr<Journal>,
    counters: Arc<Counters>,
}

impl JournalHandle {
    pub(in crate::engine) fn start(arbiter: &ArbiterHandle, parts: Parts) -> Self {
        Self {
            counters: Arc::clone(&parts.counters),
            journal: Journal::start_in_arbiter(arbiter, move |_| Journal::new(parts)),
        }
    }

    /// Queues an append; `room` hears what became of it. What may wait here
    /// is bounded by the tickets of those who asked for it (see the Hub).
    pub fn append(&self, append: Append, room: RoomPort) {
        self.counters.journal_waiting.rise();
        self.journal.do_send(Write { append, room });
    }
}
