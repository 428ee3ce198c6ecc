//! The appends of one transaction, and the notices to their Rooms.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use super::messages::{AppendCommand, RoomPort};
use crate::engine::ports::{CommitNotice, OrphanNotice, RoomKey};
use crate::store::append::{AppendEntry, AppendOutcome, BatchCommit};

/// A batch stops growing at this weight in bytes. A session gets a commit as
/// one delivery, and a client that keeps up must be able to take it. The bound
/// also keeps transactions short, since all other writers wait for them.
const WEIGHT_MAX: usize = 128 * 1024;

#[derive(Default)]
pub(super) struct AppendBatch {
    pub(super) appends: Vec<AppendEntry>,
    rooms: Vec<RoomPort>,
}

impl AppendBatch {
    /// Takes appends from the front of the queue, up to `entries` appends or
    /// the maximum weight, but at least one if there is any.
    pub(super) fn take_from(queue: &mut VecDeque<AppendCommand>, entries: usize) -> Self {
        let mut batch = Self::default();
        let mut weight = 0;
        while batch.appends.len() < entries && weight < WEIGHT_MAX {
            let Some(write) = queue.pop_front() else {
                break;
            };
            weight += write.append.operation.weight();
            batch.appends.push(write.append);
            batch.rooms.push(write.room);
        }
        batch
    }

    pub(super) fn is_empty(&self) -> bool {
        self.appends.is_empty()
    }

    /// Sends each Room the outcomes of its appends, in one message per
    /// transaction.
    pub(super) fn send_outcomes(self, commits: Vec<BatchCommit>) {
        let mut rooms = self.rooms.iter();
        let at = Instant::now();
        for commit in commits {
            let theirs = rooms.by_ref().take(commit.outcomes.len());
            notify_rooms(theirs, commit, at);
        }
    }
}

fn notify_rooms<'a>(rooms: impl Iterator<Item = &'a RoomPort>, commit: BatchCommit, at: Instant) {
    let BatchCommit {
        outcomes,
        mut marks,
        is_unsure,
    } = commit;
    let mut places: HashMap<RoomKey, usize> = HashMap::new();
    let mut answers: Vec<(&RoomPort, Vec<AppendOutcome>)> = Vec::new();
    for (room, outcome) in rooms.zip(outcomes) {
        let place = *places.entry(room.key).or_insert(answers.len());
        if let Some((_, outcomes)) = answers.get_mut(place) {
            outcomes.push(outcome);
        } else {
            answers.push((room, vec![outcome]));
        }
    }
    // If a batch has appends of a Room and its successor, the successor's come
    // last. The last Room announces the markers that moved.
    for (room, outcomes) in answers.into_iter().rev() {
        let conversation = room.key.conversation;
        let marks = marks.remove(&conversation).unwrap_or_default();
        let is_there = room.committed.connected();
        if is_there {
            room.committed.do_send(CommitNotice {
                outcomes,
                marks,
                at,
            });
        }
        // The Hub makes the current Room catch up, which finds the change.
        // Callers may retry.
        if is_unsure || !is_there {
            room.orphaned.do_send(OrphanNotice(conversation));
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::MessageId;

    use super::*;
    use crate::protocol::MessageText;
    use crate::store::append::{AppendOperation, MessageEdit, MessageEditKind};

    fn weight(how: MessageEditKind) -> usize {
        let touch = MessageEdit {
            message: MessageId(1),
            kind: how,
            may_moderate: false,
        };
        AppendOperation::Edit(touch).weight()
    }

    #[test]
    fn edits_weigh_their_delivery_size() {
        let edit = MessageText::parse("Hello")
            .map(MessageEditKind::Edit)
            .map(weight);
        let edit = edit.unwrap();
        let deletion = weight(MessageEditKind::Delete);
        // The number of edits or deletions that share one transaction.
        assert!((10..=20).contains(&(WEIGHT_MAX / edit)), "{edit}");
        assert!((3..=8).contains(&(WEIGHT_MAX / deletion)), "{deletion}");
    }
}
