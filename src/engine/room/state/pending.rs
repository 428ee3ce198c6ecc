//! Commands of a Room that aren't answered yet.

use entity::UserId;

use crate::engine::room::effects::RoomEffect;
use crate::protocol::{ConversationAction, GroupCommand, MarkedMessages, Problem};
use crate::store::append::AppendOutcome;

/// A command, until it is answered. Marker updates of a user are collected into
/// one command.
#[derive(Debug)]
pub(super) struct PendingCommand<R> {
    pub(super) actor: UserId,
    pub(super) action: ConversationAction<GroupCommand>,
    pub(super) replies: PendingReplies<R>,
}

/// The callers of a command.
#[derive(Debug)]
pub(super) enum PendingReplies<R> {
    One(R),
    /// The callers of collected marker updates, each with its own messages.
    Marks(Vec<(MarkedMessages, R)>),
}

impl<R> PendingCommand<R> {
    /// Replies with the outcome. A marker update is refused if the user can't
    /// see its message, even if others of the command are written.
    pub(super) fn push_replies(self, outcome: &AppendOutcome, effects: &mut Vec<RoomEffect<R>>) {
        match self.replies {
            PendingReplies::One(reply) => effects.push(RoomEffect::Reply(reply, outcome.clone())),
            PendingReplies::Marks(all) => {
                effects.extend(all.into_iter().map(|(marks, reply)| {
                    let mut unknown = outcome.unknown_messages().iter();
                    let outcome = if unknown.any(|message| marks.contains_key(message)) {
                        AppendOutcome::Refused(Problem::not_found())
                    } else {
                        outcome.clone()
                    };
                    RoomEffect::Reply(reply, outcome)
                }));
            }
        }
    }
}
