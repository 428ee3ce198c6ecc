//! Everybody's marks, and what waits for them, on the model's disk.

use entity::message::Kind as MessageKind;
use entity::{MessageId, Millis, receipt};

use super::disk::{Disk, user};
use crate::engine::room::state::*;
use crate::store::append::{Authors, Moved, Step};

impl Disk {
    /// The ids of messages are their places.
    pub(super) fn mark(&mut self, user: UserId, marks: &[Mark]) -> Outcome {
        let last = self.messages.len() as i64;
        let is_known = |mark: &Mark| mark.message.0 > self.joined(user) && mark.message.0 <= last;
        let (known, unknown): (Vec<Mark>, Vec<Mark>) =
            marks.iter().copied().partition(|mark| is_known(mark));
        let furthest = |kind| {
            let of_kind = known.iter().filter(move |mark| mark.kind == kind);
            of_kind.map(|mark| mark.message.0).max().unwrap_or(0)
        };
        let read = furthest(receipt::Kind::Read);
        let delivered = furthest(receipt::Kind::Delivered).max(read);
        let version = self.go(user, (delivered, read));
        let unknown = unknown.into_iter().map(|mark| mark.message);
        Outcome::Marked {
            version,
            unknown: unknown.collect(),
        }
    }

    fn go(&mut self, user: UserId, (delivered, read): (i64, i64)) -> Option<i64> {
        let before = self.marks[&user];
        let after = (before.0.max(delivered), before.1.max(read));
        if after == before {
            return None;
        }
        self.record.version += 1;
        self.note();
        self.tell_move(user, before, after);
        Some(self.record.version)
    }

    /// One's own messages are behind one's own marks, always.
    pub(super) fn tell_move(&mut self, user_id: UserId, before: (i64, i64), after: (i64, i64)) {
        self.marks.insert(user_id, after);
        let step = |before: i64, after: i64| {
            let passed = self.messages.iter();
            let passed = passed.filter(|it| it.seq > before && it.seq <= after);
            let mut passed = passed.filter(|it| it.sender.id != user_id);
            passed.next().map(|_| Step {
                message: MessageId(after),
                seq: after,
                covers: Authors::All,
            })
        };
        let read = step(before.1, after.1);
        let delivered = (after.0 > after.1).then(|| step(before.0, after.0));
        let moved = Moved {
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

    /// What moved in a batch, as of its end.
    pub(super) fn take_moved(&mut self) -> append::Marks {
        let mut moved = std::mem::take(&mut self.moved);
        for (user, count) in &mut moved.unread {
            *count = self.unread(*user);
        }
        moved
    }

    /// Counted by hand.
    pub(super) fn unread(&self, user: UserId) -> i64 {
        let read = self.marks[&user].1;
        let messages = self.messages.iter();
        let unread = messages.filter(|it| it.seq > read && it.kind == MessageKind::Text);
        unread.filter(|it| it.sender.id != user).count() as i64
    }
}
