//! What one transaction holds, and how its Rooms hear of it.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use super::messages::{RoomPort, Write};
use crate::engine::ports::{Committed, Orphaned, RoomKey};
use crate::store::append::{Append, Commit, Outcome};

/// A batch stops growing at this weight: what a commit brings to a session is
/// one delivery, and a reader that keeps up must be able to take it. The same
/// bound keeps a transaction short, which all other writers wait for.
const WEIGHT_MAX: usize = 128 * 1024;

#[derive(Default)]
pub(super) struct Batch {
    pub(super) appends: Vec<Append>,
    rooms: Vec<RoomPort>,
}

impl Batch {
    /// Takes from the front of the queue, up to `entries` or the weight that a
    /// batch may have; at least one, where there is one.
    pub(super) fn take(queue: &mut VecDeque<Write>, entries: usize) -> Self {
        let mut batch = Self::default();
        let mut weight = 0;
        while batch.appends.len() < entries && weight < WEIGHT_MAX {
            let Some(write) = queue.pop_front() else {
                break;
            };
            weight += write.append.what.weight();
            batch.appends.push(write.append);
            batch.rooms.push(write.room);
        }
        batch
    }

    pub(super) fn is_empty(&self) -> bool {
        self.appends.is_empty()
    }

    /// Tells each Room what became of its own, in one message a transaction.
    pub(super) fn answer(self, commits: Vec<Commit>) {
        let mut rooms = self.rooms.iter();
        let at = Instant::now();
        for commit in commits {
            let theirs = rooms.by_ref().take(commit.outcomes.len());
            answer(theirs, commit, at);
        }
    }
}

fn answer<'a>(rooms: impl Iterator<Item = &'a RoomPort>, commit: Commit, at: Instant) {
    let Commit {
        outcomes,
        mut marks,
        is_unsure,
    } = commit;
    let mut places: HashMap<RoomKey, usize> = HashMap::new();
    let mut answers: Vec<(&RoomPort, Vec<Outcome>)> = Vec::new();
    for (room, outcome) in rooms.zip(outcomes) {
        let place = *places.entry(room.key).or_insert(answers.len());
        if let Some((_, outcomes)) = answers.get_mut(place) {
            outcomes.push(outcome);
        } else {
            answers.push((room, vec![outcome]));
        }
    }
    // A successor's outcomes come after those of the Room before it: what
    // moved is told by the last.
    for (room, outcomes) in answers.into_iter().rev() {
        let conversation = room.key.conversation;
        let marks = marks.remove(&conversation).unwrap_or_default();
        let is_there = room.committed.connected();
        if is_there {
            room.committed.do_send(Committed {
                outcomes,
                marks,
                at,
            });
        }
        // Those who asked may try again; the others hear of it by a reading.
        if is_unsure || !is_there {
            room.orphaned.do_send(Orphaned(conversation));
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::MessageId;

    use super::*;
    use crate::protocol::MessageText;
    use crate::store::append::{How, Touch, What};

    fn weight(how: How) -> usize {
        let touch = Touch {
            message: MessageId(1),
            how,
            may_moderate: false,
        };
        What::Touch(touch).weight()
    }

    #[test]
    fn touches_weigh_what_they_cost() {
        let edit = MessageText::parse("Hello").map(How::Edit).map(weight);
        let edit = edit.unwrap();
        let deletion = weight(How::Withdraw);
        // So many of them share one transaction.
        assert!((10..=20).contains(&(WEIGHT_MAX / edit)), "{edit}");
        assert!((3..=8).contains(&(WEIGHT_MAX / deletion)), "{deletion}");
    }
}
