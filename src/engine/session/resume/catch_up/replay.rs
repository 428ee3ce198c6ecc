//! The progress of one conversation's replay.

use std::collections::VecDeque;

use entity::ConversationId;

use super::ReplayRead;
use crate::protocol::event::ResetReason;
use crate::store::{ChangedSeq, ConversationDelta};

/// The maximum number of changed messages to replay. Changes made during the
/// replay have a separate count: otherwise a long replay in a busy room would
/// end in a reset.
const CHANGED_MAX: usize = 500;

/// The maximum number of rounds. If the conversation still changes after that,
/// the replay ends in a reset.
const ROUNDS_MAX: usize = 100;

/// The replay of one conversation.
#[derive(Debug)]
pub(super) struct ConversationReplay {
    pub(super) id: ConversationId,
    pub(super) after: i64,
    /// Whether the client's version belongs to another history.
    is_other_history: bool,
    rounds: usize,
    /// The number of messages changed since the first round.
    changed_meanwhile: usize,
    /// The remaining messages of this round.
    pub(super) rest: VecDeque<ChangedSeq>,
    /// The client's version of the conversation after this round.
    pub(super) up_to: i64,
}

impl ConversationReplay {
    pub(super) fn new(id: ConversationId, after: i64) -> Self {
        Self {
            id,
            after,
            is_other_history: false,
            rounds: 0,
            changed_meanwhile: 0,
            rest: VecDeque::new(),
            up_to: after,
        }
    }

    /// Returns a replay that ends in a reset, because the client's version
    /// belongs to another history.
    pub(super) fn of_other_history(id: ConversationId) -> Self {
        Self {
            is_other_history: true,
            // The reset needs no changes, and none is after `i64::MAX`.
            ..Self::new(id, i64::MAX)
        }
    }

    /// Returns the reason for a reset if the conversation can't be replayed.
    pub(super) fn reset_reason(&mut self, round: &ConversationDelta) -> Option<ResetReason> {
        self.rounds += 1;
        if self.is_other_history {
            return Some(ResetReason::OtherHistory);
        }
        if self.rounds == 1 {
            if self.after > round.ceiling {
                return Some(ResetReason::FutureCursor);
            }
            let is_far = round.is_cut || round.changed.len() > CHANGED_MAX;
            return is_far.then_some(ResetReason::TooFarBehind);
        }
        self.changed_meanwhile += round.changed.len();
        let is_far =
            round.is_cut || self.changed_meanwhile > CHANGED_MAX || self.rounds > ROUNDS_MAX;
        is_far.then_some(ResetReason::TooFarBehind)
    }

    pub(super) fn read_rest(&self) -> ReplayRead {
        ReplayRead::Chunk {
            id: self.id,
            seqs: ChangedSeq::first_batch(self.rest.iter().copied()),
            up_to: self.up_to,
        }
    }

    pub(super) fn next_round(&mut self) -> ReplayRead {
        self.after = self.after.max(self.up_to);
        ReplayRead::Nothing
    }
}
