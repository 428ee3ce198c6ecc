//! Answers to users who changed a message that the Room shows to others only:
//! they left the conversation, or joined again after that message.

use std::sync::Arc;

use super::RoomState;
use super::pending::{PendingCommand, PendingWork};
use crate::engine::reply::{CommandOutcome, SentMessage};
use crate::engine::room::effects::{CallerAnswer, FormerMemberChange, RoomEffect};
use crate::protocol::Message;

impl<R> RoomState<R> {
    /// Answers a command. If its message is not visible to the actor here, the
    /// answer is the message as the actor's own history has it.
    pub(super) fn answer_pending(
        &self,
        pending: PendingCommand<R>,
        answer: CallerAnswer,
        effects: &mut Vec<RoomEffect<R>>,
    ) {
        let user = pending.actor;
        match (pending.work, answer) {
            (PendingWork::Command(_, reply), CallerAnswer::All(Ok(CommandOutcome::Sent(sent))))
                if sent.message.is_changed && !self.is_visible_to(user, sent.message.seq) =>
            {
                effects.push(RoomEffect::ReplyToFormerMember(
                    reply,
                    FormerMemberChange { user, sent },
                ));
            }
            (PendingWork::Command(_, reply), CallerAnswer::All(Ok(CommandOutcome::Sent(sent)))) => {
                let sent = self.hide_unseen_quote(user, sent);
                effects.push(RoomEffect::Reply(reply, Ok(CommandOutcome::Sent(sent))));
            }
            (wanted, answer) => PendingCommand {
                actor: user,
                work: wanted,
            }
            .push_replies(answer, effects),
        }
    }

    /// Removes a quoted text that the user may not see. Keeps `is_changed`,
    /// which decides the kind of the reply's frame.
    fn hide_unseen_quote(&self, user: entity::UserId, sent: SentMessage) -> SentMessage {
        let member = self.members.get(&user);
        let unquoted = member.and_then(|member| sent.message.hide_unseen_quote(member.joined_seq));
        match unquoted {
            None => sent,
            Some(message) => SentMessage {
                message: Arc::new(Message {
                    is_changed: sent.message.is_changed,
                    ..message
                }),
                is_new: sent.is_new,
            },
        }
    }

    /// Returns whether a message at this `seq` is visible to this user.
    fn is_visible_to(&self, user: entity::UserId, seq: i64) -> bool {
        let member = self.members.get(&user);
        member.is_some_and(|member| seq > member.joined_seq)
    }
}
