//! Answers to users who changed a message that the Room shows to others only:
//! they left the conversation, or joined again after that message.

use std::sync::Arc;

use entity::UserId;

use super::RoomState;
use super::pending::{PendingCommand, PendingReplies};
use crate::engine::room::effects::{FormerMemberReply, RoomEffect};
use crate::protocol::Message;
use crate::store::append::AppendOutcome;

impl<R> RoomState<R> {
    /// Answers a command. If its message is not visible to the actor here, the
    /// answer is the message as the actor's own history has it.
    pub(super) fn answer_pending(
        &self,
        pending: PendingCommand<R>,
        outcome: &AppendOutcome,
        effects: &mut Vec<RoomEffect<R>>,
    ) {
        let user = pending.actor;
        match (pending.replies, outcome.message()) {
            (PendingReplies::One(reply), Some(message))
                if message.is_changed && !self.is_visible_to(user, message.seq) =>
            {
                effects.push(RoomEffect::ReplyToFormerMember(FormerMemberReply {
                    reply,
                    user,
                    message: Arc::clone(message),
                    outcome: outcome.clone(),
                }));
            }
            (PendingReplies::One(reply), Some(message)) => {
                let outcome = match self.hide_unseen_quote(user, message) {
                    Some(hidden) => outcome.with_message(Arc::new(hidden)),
                    None => outcome.clone(),
                };
                effects.push(RoomEffect::Reply(reply, outcome));
            }
            (replies, _) => PendingCommand { replies, ..pending }.push_replies(outcome, effects),
        }
    }

    /// Removes a quoted text that the user may not see; none if there is none.
    /// Keeps `is_changed`, which decides the kind of the reply's frame.
    fn hide_unseen_quote(&self, user: UserId, message: &Message) -> Option<Message> {
        let member = self.members.get(&user)?;
        let hidden = message.hide_unseen_quote(member.joined_seq)?;
        Some(Message {
            is_changed: message.is_changed,
            ..hidden
        })
    }

    /// Returns whether a message at this `seq` is visible to this user.
    fn is_visible_to(&self, user: UserId, seq: i64) -> bool {
        let member = self.members.get(&user);
        member.is_some_and(|member| seq > member.joined_seq)
    }
}
