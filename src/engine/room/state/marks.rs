//! Marks are gathered: a client that says of each message that it came costs
//! one write for all of them.

use entity::UserId;

use super::{Pending, State, Wanted};
use crate::engine::room::effects::Effect;
use crate::store::append::Mark;

/// Nobody gathers more than this, in however short a time.
const GATHERED_MAX: usize = 64;

impl<R> State<R> {
    /// Keeps a mark until `marks_due`, or until its person asks for something
    /// else. Whoever isn't in it is told so at once: waiting would tell them
    /// that there is a conversation.
    pub(super) fn gather(&mut self, actor: UserId, mark: Mark, reply: R) -> Vec<Effect<R>> {
        let marks = self.gathered.entry(actor).or_default();
        marks.push((mark, reply));
        if marks.len() >= GATHERED_MAX || !self.members.contains_key(&actor) {
            return self.submit_marks(actor);
        }
        match std::mem::replace(&mut self.is_gathering, true) {
            true => Vec::new(),
            false => vec![Effect::GatherMarks],
        }
    }

    /// They were gathered for long enough.
    pub(in crate::engine::room) fn marks_due(&mut self) -> Vec<Effect<R>> {
        self.is_gathering = false;
        let gathered = std::mem::take(&mut self.gathered).into_iter();
        gathered
            .flat_map(|(actor, marks)| {
                let wanted = Wanted::Marks(marks);
                self.enqueue(Pending { actor, wanted })
            })
            .collect()
    }

    /// What somebody asks for comes after the marks that they gave before.
    pub(super) fn submit_marks(&mut self, actor: UserId) -> Vec<Effect<R>> {
        match self.gathered.remove(&actor) {
            None => Vec::new(),
            Some(marks) => {
                let wanted = Wanted::Marks(marks);
                self.enqueue(Pending { actor, wanted })
            }
        }
    }
}
