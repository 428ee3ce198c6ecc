//! The appends of one transaction, and the notices to their Rooms.

use std::collections::{HashMap, VecDeque};

use super::messages::{AppendCommand, RoomPort};
use crate::engine::ports::{OrphanNotice, RoomKey};
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
            weight += write.append.weight();
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
        for commit in commits {
            let theirs = rooms.by_ref().take(commit.outcomes.len());
            notify_rooms(theirs, commit);
        }
    }
}

fn notify_rooms<'a>(rooms: impl Iterator<Item = &'a RoomPort>, commit: BatchCommit) {
    let BatchCommit {
        outcomes,
        mut marks,
        at,
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
        let marks = marks.remove_entry(&conversation).into_iter().collect();
        let is_there = room.committed.connected();
        if is_there {
            room.committed.do_send(BatchCommit {
                outcomes,
                marks,
                at,
                is_unsure: false,
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
    use std::sync::Arc;

    use entity::{ConversationId, MessageId, UserId};

    use super::*;
    use crate::protocol::{ConversationAction, MessageAction, MessageText, SubmittedMessage, User};
    use crate::store::append::ConversationChange;

    fn weight(action: ConversationAction<Arc<ConversationChange>>) -> usize {
        let entry = AppendEntry {
            conversation: ConversationId(1),
            members_version: 1,
            verdict: Ok(()),
            actor: User {
                id: UserId(1),
                username: "ann".to_owned(),
                display_name: "Ann".to_owned(),
            },
            action,
            may_moderate: false,
            has_others: true,
            has_archived: false,
        };
        entry.weight()
    }

    fn edit_weight(action: MessageAction) -> usize {
        let message = MessageId(1);
        weight(ConversationAction::Act { message, action })
    }

    /// A batch is bounded by the weight of its frames.
    #[test]
    fn entry_weighs_what_its_json_does() {
        let text = "\"\n".repeat(1_000);
        let text = MessageText::parse(&format!("a{text}b")).unwrap();
        let encoded = serde_json::to_string(text.as_str()).unwrap();
        assert_eq!(encoded.len(), 4_004);
        let message = SubmittedMessage {
            client_id: None,
            text: Ok(text),
            reply_to: None,
        };
        let sent = weight(ConversationAction::Send(Arc::new(message)));
        assert_eq!(sent, encoded.len());
    }

    #[test]
    fn edits_weigh_their_delivery_size() {
        let edit = MessageText::parse("Hello")
            .map(MessageAction::Edit)
            .map(edit_weight);
        let edit = edit.unwrap();
        let deletion = edit_weight(MessageAction::Delete);
        // The number of edits or deletions that share one transaction.
        assert!((10..=20).contains(&(WEIGHT_MAX / edit)), "{edit}");
        assert!((3..=8).contains(&(WEIGHT_MAX / deletion)), "{deletion}");
    }
}
