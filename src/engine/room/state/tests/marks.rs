//! The users' marks and unread counts in the model's database.

use entity::message::MessageKind;
use entity::{MessageId, Millis, receipt};

use super::disk::{DiskModel, user};
use crate::engine::room::state::*;
use crate::protocol::MarkedMessages;
use crate::store::append::{CommittedChange, CoveredAuthors, MarkerStep, MemberMarkerMove};

/// The `seq`s of a user's markers.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MemberMarks {
    pub(super) delivered: i64,
    pub(super) read: i64,
}

impl MemberMarks {
    /// Both markers at the same message.
    pub(super) fn at(seq: i64) -> Self {
        Self {
            delivered: seq,
            read: seq,
        }
    }
}

impl DiskModel {
    /// Moves a user's marks. In this model, a message's id is its `seq`.
    pub(super) fn mark(&mut self, user: UserId, marks: &MarkedMessages) -> AppendOutcome {
        let last = self.messages.len() as i64;
        let first = self.joined(user) + 1;
        let is_known = |message: MessageId| (first..=last).contains(&message.0);
        let furthest = |kind| {
            let of_kind = marks.iter().filter(|(_, marked)| **marked == kind);
            let known = of_kind.filter(|(message, _)| is_known(**message));
            known.map(|(message, _)| message.0).max().unwrap_or(0)
        };
        let read = furthest(receipt::ReceiptKind::Read);
        let delivered = furthest(receipt::ReceiptKind::Delivered).max(read);
        let unknown = marks.keys().copied().filter(|message| !is_known(*message));
        let unknown: Vec<MessageId> = unknown.collect();
        match self.advance_marks(user, delivered, read) {
            Some(version) => AppendOutcome::Written(CommittedChange::Marked { version, unknown }),
            None => AppendOutcome::Unmoved { unknown },
        }
    }

    fn advance_marks(&mut self, user: UserId, delivered: i64, read: i64) -> Option<i64> {
        let before = self.marks[&user];
        let after = MemberMarks {
            delivered: before.delivered.max(delivered),
            read: before.read.max(read),
        };
        if after == before {
            return None;
        }
        self.record.version += 1;
        self.record_members();
        self.record_move(user, before, after);
        Some(self.record.version)
    }

    /// Records a move of a user's marks. A move past only the user's own
    /// messages has no event.
    pub(super) fn record_move(&mut self, user_id: UserId, before: MemberMarks, after: MemberMarks) {
        self.marks.insert(user_id, after);
        let step = |before: i64, after: i64| {
            let passed = self.messages.iter();
            let passed = passed.filter(|it| it.seq > before && it.seq <= after);
            let mut passed = passed.filter(|it| it.sender.id != user_id);
            passed.next().map(|_| MarkerStep {
                message: MessageId(after),
                seq: after,
                covers: CoveredAuthors::All,
            })
        };
        let read = step(before.read, after.read);
        let delivered =
            (after.delivered > after.read).then(|| step(before.delivered, after.delivered));
        let moved = MemberMarkerMove {
            user: user(user_id.0),
            version: self.record.version,
            at: Millis(0),
            delivered: delivered.flatten(),
            read,
        };
        if moved.delivered.is_some() || moved.read.is_some() {
            self.moved.moved.push(moved);
        }
        self.moved.unread.push((user_id, 0));
    }

    /// Takes the marks that moved in a batch, as of its end.
    pub(super) fn take_moved(&mut self) -> MarkerChanges {
        let mut moved = std::mem::take(&mut self.moved);
        for (user, count) in &mut moved.unread {
            *count = self.unread(*user);
        }
        moved
    }

    /// Counts a user's unread messages, independently of the Room's code.
    pub(super) fn unread(&self, user: UserId) -> i64 {
        let read = self.marks[&user].read;
        let messages = self.messages.iter();
        let unread = messages.filter(|it| it.seq > read && it.kind == MessageKind::Text);
        unread.filter(|it| it.sender.id != user).count() as i64
    }
}
