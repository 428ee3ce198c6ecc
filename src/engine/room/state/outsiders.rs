//! Answers to users who changed a message that the Room shows to others only:
//! they left the conversation, or joined again after that message.

use super::State;
use super::pending::{Pending, Wanted};
use crate::engine::reply::Done;
use crate::engine::room::effects::{Answered, Effect, OutsiderChange};

impl<R> State<R> {
    /// Answers what was asked. The answer about a message outside the actor's
    /// window is read as that actor sees it.
    pub(super) fn answer(
        &self,
        pending: Pending<R>,
        answer: Answered,
        effects: &mut Vec<Effect<R>>,
    ) {
        let user = pending.actor;
        match (pending.wanted, answer) {
            (Wanted::This(_, reply), Answered::With(Ok(Done::Sent(sent))))
                if sent.message.is_touched && !self.shows(user, sent.message.seq) =>
            {
                effects.push(Effect::AnswerOutsider(reply, OutsiderChange { user, sent }));
            }
            (wanted, answer) => Pending {
                actor: user,
                wanted,
            }
            .answer(answer, effects),
        }
    }

    /// Whether a message at this `seq` is sent to this user.
    fn shows(&self, user: entity::UserId, seq: i64) -> bool {
        let member = self.members.get(&user);
        member.is_some_and(|member| seq > member.joined_seq)
    }
}
