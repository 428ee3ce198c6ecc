//! How far the replay of one conversation is.

use std::collections::VecDeque;

use entity::ConversationId;

use super::Read;
use crate::protocol::event::ResetReason;
use crate::store::{Changed, Round};

/// More changed messages than this aren't replayed. What comes while they are
/// is counted by itself, or a long replay in a busy room would be for nothing.
const CHANGED_MAX: usize = 500;

/// A conversation that moves on in each of so many rounds is not to be caught.
const ROUNDS_MAX: usize = 100;

/// One conversation's.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) id: ConversationId,
    pub(super) after: i64,
    /// Whether the version is of another history.
    is_other: bool,
    rounds: usize,
    /// How many messages changed since the first round.
    meanwhile: usize,
    /// What is left of this round.
    pub(super) rest: VecDeque<Changed>,
    /// Up to which version that goes.
    pub(super) up_to: i64,
}

impl Replay {
    pub(super) fn new((id, after): (ConversationId, i64)) -> Self {
        Self {
            id,
            after,
            is_other: false,
            rounds: 0,
            meanwhile: 0,
            rest: VecDeque::new(),
            up_to: after,
        }
    }

    /// One that can't be: its version is of another history.
    pub(super) fn of_other_history(id: ConversationId) -> Self {
        Self {
            is_other: true,
            // Nothing has to be looked for.
            ..Self::new((id, i64::MAX))
        }
    }

    /// Why it can't be replayed.
    pub(super) fn judge(&mut self, round: &Round) -> Option<ResetReason> {
        self.rounds += 1;
        if self.is_other {
            return Some(ResetReason::OtherHistory);
        }
        if self.rounds == 1 {
            if self.after > round.ceiling {
                return Some(ResetReason::FutureCursor);
            }
            let is_far = round.is_cut || round.changed.len() > CHANGED_MAX;
            return is_far.then_some(ResetReason::TooFarBehind);
        }
        self.meanwhile += round.changed.len();
        let is_far = round.is_cut || self.meanwhile > CHANGED_MAX || self.rounds > ROUNDS_MAX;
        is_far.then_some(ResetReason::TooFarBehind)
    }

    pub(super) fn read_rest(&self) -> Read {
        Read::Chunk {
            id: self.id,
            seqs: Changed::first_of(self.rest.iter().copied()),
            up_to: self.up_to,
        }
    }

    pub(super) fn next_round(&mut self) -> Read {
        self.after = self.after.max(self.up_to);
        Read::Drained
    }
}
