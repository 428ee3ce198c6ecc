//! What was asked of a Room and isn't answered yet.

use entity::UserId;

use crate::engine::reply::Done;
use crate::engine::room::effects::{Answered, Effect};
use crate::engine::room::messages::Ask;
use crate::protocol::Problem;
use crate::store::append::Mark;

/// Something asked, until it is answered.
#[derive(Debug)]
pub(super) struct Pending<R> {
    pub(super) actor: UserId,
    pub(super) wanted: Wanted<R>,
}

#[derive(Debug)]
pub(super) enum Wanted<R> {
    This(Ask, R),
    /// What was gathered.
    Marks(Vec<(Mark, R)>),
}

impl<R> Pending<R> {
    pub(super) fn archives(&self) -> bool {
        matches!(&self.wanted, Wanted::This(ask, _) if archives(ask))
    }

    pub(super) fn answer(self, answer: Answered, effects: &mut Vec<Effect<R>>) {
        match (self.wanted, answer) {
            (Wanted::This(_, reply), Answered::With(result)) => {
                effects.push(Effect::Answer(reply, result));
            }
            (Wanted::This(_, reply), Answered::But(_)) => {
                effects.push(Effect::Answer(reply, Ok(Done::Changed)));
            }
            (Wanted::Marks(marks), Answered::With(result)) => {
                let replies = marks.into_iter().map(|(_, reply)| reply);
                effects.extend(replies.map(|reply| Effect::Answer(reply, result.clone())));
            }
            (Wanted::Marks(marks), Answered::But(unknown)) => {
                effects.extend(marks.into_iter().map(|(mark, reply)| {
                    let result = match unknown.contains(&mark.message) {
                        true => Err(Problem::not_found()),
                        false => Ok(Done::Changed),
                    };
                    Effect::Answer(reply, result)
                }));
            }
        }
    }
}

/// Whether it puts the conversation away.
pub(super) fn archives(ask: &Ask) -> bool {
    matches!(ask, Ask::Settings(settings) if settings.archived == Some(true))
}
