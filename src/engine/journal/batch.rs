//! What one transaction holds, and how its Rooms hear of it.

use std::collections::{HashMap, VecDeque};

use super::messages::{RoomPort, Write};
use crate::engine::ports::{Committed, Orphaned, RoomKey};
use crate::store::append::{Append, Outcome};

/// A batch stops growing here: what a commit brings to a session is one
/// delivery, and a reader that keeps up must be able to take it.
const BYTES_MAX: usize = 128 * 1024;

#[derive(Default)]
pub(super) struct Batch {
    pub(super) appends: Vec<Append>,
    rooms: Vec<RoomPort>,
}

impl Batch {
    /// Takes from the front of the queue, up to `entries` or as many bytes of
    /// text as a batch may have; at least one, where there is one.
    pub(super) fn take(queue: &mut VecDeque<Write>, entries: usize) -> Self {
        let mut batch = Self::default();
        let mut bytes = 0;
        while batch.appends.len() < entries && bytes < BYTES_MAX {
            let Some(write) = queue.pop_front() else {
                break;
            };
            bytes += write.append.what.bytes();
            batch.appends.push(write.append);
            batch.rooms.push(write.room);
        }
        batch
    }

    pub(super) fn is_empty(&self) -> bool {
        self.appends.is_empty()
    }

    /// Tells each Room what became of its own, in one message.
    pub(super) fn answer(self, outcomes: Vec<Outcome>) {
        let mut places: HashMap<RoomKey, usize> = HashMap::new();
        let mut answers: Vec<(&RoomPort, Vec<Outcome>)> = Vec::new();
        for (room, outcome) in self.rooms.iter().zip(outcomes) {
            let place = *places.entry(room.key).or_insert(answers.len());
            if let Some((_, outcomes)) = answers.get_mut(place) {
                outcomes.push(outcome);
            } else {
                answers.push((room, vec![outcome]));
            }
        }
        for (room, outcomes) in answers {
            if room.committed.connected() {
                room.committed.do_send(Committed { outcomes });
            } else {
                room.orphaned.do_send(Orphaned(room.key.conversation));
            }
        }
    }
}
