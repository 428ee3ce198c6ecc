//! The handle through which Rooms reach the Journal.

use std::sync::Arc;

use actix::{Actor, Addr, ArbiterHandle};

use super::messages::{AppendCommand, RoomPort};
use super::{Journal, JournalDeps};
use crate::counters::Counters;
use crate::store::append::AppendEntry;

/// A handle to the Journal: a cheap clone.
#[derive(Clone)]
pub struct JournalHandle {
    journal: Addr<Journal>,
    counters: Arc<Counters>,
}

impl JournalHandle {
    pub(in crate::engine) fn start(arbiter: &ArbiterHandle, deps: JournalDeps) -> Self {
        Self {
            counters: Arc::clone(&deps.counters),
            journal: Journal::start_in_arbiter(arbiter, move |_| Journal::new(deps)),
        }
    }

    /// Queues an append; `room` receives its outcome. The Hub's tickets bound
    /// the number of appends that may wait here.
    pub fn append(&self, append: AppendEntry, room: RoomPort) {
        self.counters.journal_waiting.increment();
        self.journal.do_send(AppendCommand { append, room });
    }
}
