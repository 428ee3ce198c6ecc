//! Answers to users who changed a message that the Room shows to others only:
//! they left the conversation, or joined again after that message.

use std::sync::Arc;

use super::State;
use super::pending::{Pending, Wanted};
use crate::engine::reply::{Done, Sent};
use crate::engine::room::effects::{Answered, Effect, OutsiderChange};
use crate::protocol::Message;

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
            (Wanted::This(_, reply), Answered::With(Ok(Done::Sent(sent)))) => {
                let sent = self.sent_as_seen(user, sent);
                effects.push(Effect::Answer(reply, Ok(Done::Sent(sent))));
            }
            (wanted, answer) => Pending {
                actor: user,
                wanted,
            }
            .answer(answer, effects),
        }
    }

    /// What was sent or changed, without a quoted text that its user does not
    /// see. A change that was made is a change, also if the quote is empty.
    fn sent_as_seen(&self, user: entity::UserId, sent: Sent) -> Sent {
        let member = self.members.get(&user);
        let unquoted =
            member.and_then(|member| sent.message.without_unseen_quote(member.joined_seq));
        match unquoted {
            None => sent,
            Some(message) => Sent {
                message: Arc::new(Message {
                    is_touched: sent.message.is_touched,
                    ..message
                }),
                is_new: sent.is_new,
            },
        }
    }

    /// Whether a message at this `seq` is sent to this user.
    fn shows(&self, user: entity::UserId, seq: i64) -> bool {
        let member = self.members.get(&user);
        member.is_some_and(|member| seq > member.joined_seq)
    }
}
