//! Commands of a Room that aren't answered yet.

use entity::UserId;

use crate::engine::reply::CommandOutcome;
use crate::engine::room::effects::{CallerAnswer, RoomEffect};
use crate::engine::room::messages::ConversationCommand;
use crate::protocol::Problem;
use crate::store::append::MarkerUpdate;

/// A command or collected marker updates, until they are answered.
#[derive(Debug)]
pub(super) struct PendingCommand<R> {
    pub(super) actor: UserId,
    pub(super) work: PendingWork<R>,
}

#[derive(Debug)]
pub(super) enum PendingWork<R> {
    Command(ConversationCommand, R),
    /// Collected marker updates.
    Marks(Vec<(MarkerUpdate, R)>),
}

impl<R> PendingCommand<R> {
    pub(super) fn archives(&self) -> bool {
        matches!(&self.work, PendingWork::Command(ask, _) if archives(ask))
    }

    pub(super) fn push_replies(self, answer: CallerAnswer, effects: &mut Vec<RoomEffect<R>>) {
        match (self.work, answer) {
            (PendingWork::Command(_, reply), CallerAnswer::All(result)) => {
                effects.push(RoomEffect::Reply(reply, result));
            }
            (PendingWork::Command(_, reply), CallerAnswer::AllExcept(_)) => {
                effects.push(RoomEffect::Reply(reply, Ok(CommandOutcome::Changed)));
            }
            (PendingWork::Marks(marks), CallerAnswer::All(result)) => {
                let replies = marks.into_iter().map(|(_, reply)| reply);
                effects.extend(replies.map(|reply| RoomEffect::Reply(reply, result.clone())));
            }
            (PendingWork::Marks(marks), CallerAnswer::AllExcept(unknown)) => {
                effects.extend(marks.into_iter().map(|(mark, reply)| {
                    let result = if unknown.contains(&mark.message) {
                        Err(Problem::not_found())
                    } else {
                        Ok(CommandOutcome::Changed)
                    };
                    RoomEffect::Reply(reply, result)
                }));
            }
        }
    }
}

/// Returns whether the command archives the conversation.
pub(super) fn archives(ask: &ConversationCommand) -> bool {
    matches!(ask, ConversationCommand::UpdateSettings(settings) if settings.archived == Some(true))
}
