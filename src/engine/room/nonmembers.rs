//! Answers to users who aren't members, which take a read: only a former member
//! may learn that the conversation exists, and sees what they saw before.

use std::sync::Arc;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use entity::UserId;

use super::Room;
use super::effects::FormerMemberReply;
use super::handlers::EffectQueue;
use crate::engine::reply::{CommandReply, message_frame};
use crate::engine::task::run_in_task;
use crate::protocol::Problem;
use crate::store::append::AppendOutcome;
use crate::store::{ConversationAccess, with_payer};

impl Room {
    /// Refuses a report of a user who is no member. Only a former member may
    /// learn that the conversation exists. The user pays for this read, and the
    /// members don't wait for it.
    pub(super) fn refuse_nonmember(
        &self,
        user: UserId,
        reply: CommandReply,
        ctx: &mut Context<Self>,
    ) {
        let store = self.deps.store.clone();
        let conversation = self.identity.key.conversation;
        let payer = self.deps.rates.payer_of_socket(user);
        let read = async move { store.conversations().load_access(user, conversation).await };
        let read = with_payer(payer, read);
        ctx.spawn(run_in_task(read).into_actor(self).map(|found, _, _| {
            reply.send(match found {
                Ok(None) => AppendOutcome::Refused(Problem::not_found()),
                Ok(Some(ConversationAccess::FormerMember(_))) => {
                    AppendOutcome::Refused(Problem::not_a_participant())
                }
                // The Room doesn't know yet that the user joined: the client
                // repeats its report.
                Ok(Some(ConversationAccess::Member(_))) => AppendOutcome::Unchanged(None),
                Err(error) => AppendOutcome::Refused(Problem::from(error)),
            });
        }));
    }

    /// Answers a user who is no member but changed a message, and sends the
    /// change to the user's sessions. Both contain the message as the user sees
    /// it. If the message can't be read, both lack its content: the change is
    /// on disk and can't be refused.
    pub(super) fn reply_to_former_member(
        &mut self,
        former: FormerMemberReply<CommandReply>,
        rest: EffectQueue,
        ctx: &mut Context<Self>,
    ) {
        let store = self.deps.store.clone();
        let (conversation, user) = (self.identity.key.conversation, former.user);
        let seq = former.message.seq;
        let read = async move { store.history().find_message(user, conversation, seq).await };
        self.hold(ctx, read, move |found, room, ctx| {
            let seen = found.unwrap_or_else(|error| {
                tracing::error!(%conversation, %error, "cannot read a message for a former member");
                None
            });
            let outcome = former.visible_outcome(seen);
            if outcome.is_written()
                && let Some(message) = outcome.message()
            {
                let frames = [message_frame(Arc::clone(message))].into();
                room.deps.directory.deliver([user], &frames);
            }
            former.reply.send(outcome);
            room.run_effects(rest, ctx);
        });
    }
}
