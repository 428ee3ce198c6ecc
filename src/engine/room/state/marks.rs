//! Collects marker updates: if a client confirms each message, one write stores
//! all confirmations.

use entity::UserId;

use super::{PendingCommand, PendingWork, RoomState};
use crate::engine::room::effects::RoomEffect;
use crate::store::append::MarkerUpdate;

/// The maximum number of marker updates that are collected for one user.
const GATHERED_MAX: usize = 64;

impl<R> RoomState<R> {
    /// Keeps a marker update until `submit_due_marks`, or until its user's next
    /// command. A user who is no member gets the answer at once: a delay would
    /// reveal that the conversation exists.
    pub(super) fn gather_mark(
        &mut self,
        actor: UserId,
        mark: MarkerUpdate,
        reply: R,
    ) -> Vec<RoomEffect<R>> {
        let marks = self.gathered_marks.entry(actor).or_default();
        marks.push((mark, reply));
        if marks.len() >= GATHERED_MAX || !self.members.contains_key(&actor) {
            return self.submit_marks(actor);
        }
        if std::mem::replace(&mut self.is_gathering, true) {
            Vec::new()
        } else {
            vec![RoomEffect::GatherMarks]
        }
    }

    /// Submits all collected marker updates when the time for collecting is
    /// over.
    pub(in crate::engine::room) fn submit_due_marks(&mut self) -> Vec<RoomEffect<R>> {
        self.is_gathering = false;
        let gathered = std::mem::take(&mut self.gathered_marks).into_iter();
        gathered
            .flat_map(|(actor, marks)| {
                let wanted = PendingWork::Marks(marks);
                self.enqueue(PendingCommand {
                    actor,
                    work: wanted,
                })
            })
            .collect()
    }

    /// Submits a user's marker updates before the user's next command.
    pub(super) fn submit_marks(&mut self, actor: UserId) -> Vec<RoomEffect<R>> {
        match self.gathered_marks.remove(&actor) {
            None => Vec::new(),
            Some(marks) => {
                let wanted = PendingWork::Marks(marks);
                self.enqueue(PendingCommand {
                    actor,
                    work: wanted,
                })
            }
        }
    }
}
