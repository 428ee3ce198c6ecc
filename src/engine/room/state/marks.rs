//! Collects marker updates: if a client confirms each message, one write stores
//! all confirmations.

use entity::UserId;

use super::{PendingCommand, PendingReplies, RoomState};
use crate::engine::room::effects::RoomEffect;
use crate::protocol::{ConversationAction, MarkedMessages};

/// The maximum number of marker updates that are collected for one user.
const GATHERED_MAX: usize = 64;

/// The collected marker updates of a user, each with its caller.
pub(super) type GatheredMarks<R> = Vec<(MarkedMessages, R)>;

impl<R> RoomState<R> {
    /// Keeps a marker update until `submit_due_marks`, or until its user's next
    /// command. A user who is no member gets the answer at once: a delay would
    /// reveal that the conversation exists.
    pub(super) fn gather_marks(
        &mut self,
        actor: UserId,
        marks: MarkedMessages,
        reply: R,
    ) -> Vec<RoomEffect<R>> {
        let gathered = self.gathered_marks.entry(actor).or_default();
        gathered.push((marks, reply));
        if gathered.len() >= GATHERED_MAX || !self.members.contains_key(&actor) {
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
            .flat_map(|(actor, gathered)| self.submit_gathered(actor, gathered))
            .collect()
    }

    /// Submits a user's marker updates before the user's next command.
    pub(super) fn submit_marks(&mut self, actor: UserId) -> Vec<RoomEffect<R>> {
        match self.gathered_marks.remove(&actor) {
            None => Vec::new(),
            Some(gathered) => self.submit_gathered(actor, gathered),
        }
    }

    /// Submits marker updates as one command. Reading implies delivery, so the
    /// higher kind of a message counts.
    fn submit_gathered(&mut self, actor: UserId, gathered: GatheredMarks<R>) -> Vec<RoomEffect<R>> {
        let mut all = MarkedMessages::new();
        for (message, kind) in gathered.iter().flat_map(|(marks, _)| marks) {
            let furthest = all.entry(*message).or_insert(*kind);
            *furthest = (*furthest).max(*kind);
        }
        self.enqueue(PendingCommand {
            actor,
            action: ConversationAction::Mark(all),
            replies: PendingReplies::Marks(gathered),
        })
    }
}
