//! The steps of one `resume`, from read to read. Pure.
//!
//! A conversation is read in rounds. Each round is a snapshot, and the gate
//! holds the conversation's deliveries meanwhile. A round that fits into one
//! chunk is the last: it is sent, then `resumed`, then the held deliveries that
//! are newer. Any other round is sent chunk by chunk while the gate is closed,
//! and the next round reads the changes made meanwhile.

mod reads;
mod replay;
mod turn;

use std::collections::{HashMap, VecDeque};

use entity::{ConversationId, Millis};

use super::floors::ReplayFloors;
use crate::engine::directory::gate::{ClosedConversations, DeliveryGate};
use crate::engine::ports::SessionDelivery;
use crate::protocol::command::ResumeCursors;
use crate::protocol::event::ResetReason;
use crate::protocol::{Conversation, Message, ServerEvent};
use crate::store::{ChangedSeq, ConversationDelta, MissedRenames, ResumeConversations};
pub(super) use reads::{ReplayData, ReplayRead};
use replay::ConversationReplay;
use turn::push_reset;
pub(super) use turn::{ReplayTurn, SyncedSummary, TurnOutput};

/// The maximum number of whole conversations per read.
const VIEWS_PER_READ: usize = 8;
/// The maximum number of resets per turn because of another history: less than
/// a chunk.
const RESETS_PER_TURN: usize = 500;

/// The gate and the floors of the session that catches up.
pub(super) struct ReplayGate<'a> {
    pub(super) gate: &'a DeliveryGate,
    pub(super) floors: &'a mut ReplayFloors,
}

/// A client's request to resume all its conversations.
#[derive(Debug)]
pub(super) struct FullResume {
    pub(super) cursors: ResumeCursors,
    /// The earliest last activity of conversations to show besides those of the
    /// cursors.
    pub(super) since: Option<Millis>,
    /// Whether the cursors belong to another history.
    pub(super) is_other_history: bool,
    /// The people version of the client's names; none if the client keeps no
    /// names.
    pub(super) people: Option<i64>,
    /// The people version up to which names were sent when the client resumed.
    pub(super) people_version: i64,
}

/// One `resume`.
#[derive(Debug)]
pub(super) struct CatchUp {
    goal: ReplayGoal,
    since: Option<Millis>,
    /// Whether the client's cursors belong to another history.
    is_other_history: bool,
    /// The conversations of cursors of another history, each with its current
    /// version; none if it doesn't exist.
    other_history: VecDeque<(ConversationId, Option<i64>)>,
    /// Conversations to be sent whole, newest first.
    new: VecDeque<ConversationId>,
    /// The summary for `synced` at the end.
    synced: SyncedSummary,
    /// The part of `new` that is being read at present.
    showing: Vec<ConversationId>,
    /// Conversations to be replayed from these versions.
    behind: VecDeque<(ConversationId, i64)>,
    replay: Option<ConversationReplay>,
    /// Conversations of which the client has all changes, with its versions.
    up_to_date: HashMap<ConversationId, i64>,
}

#[derive(Debug)]
enum ReplayGoal {
    One(ConversationId),
    All(ResumeCursors),
}

impl CatchUp {
    /// Begins to replay a conversation from a version.
    pub(super) fn begin_one(
        conversation: ConversationId,
        after: i64,
        is_other: bool,
        replay_gate: &mut ReplayGate<'_>,
    ) -> (Self, ReplayRead) {
        replay_gate.floors.begin_one(conversation);
        replay_gate
            .gate
            .close(ClosedConversations::One(conversation));
        let mut catch_up = Self::with_goal(ReplayGoal::One(conversation));
        catch_up.replay = Some(if is_other {
            ConversationReplay::of_other_history(conversation)
        } else {
            ConversationReplay::new(conversation, after)
        });
        (catch_up, ReplayRead::Nothing)
    }

    /// Begins to replay all conversations, each from the client's version,
    /// after the changed names.
    pub(super) fn begin_all(
        resume: FullResume,
        replay_gate: &mut ReplayGate<'_>,
    ) -> (Self, ReplayRead) {
        replay_gate.floors.begin_all();
        replay_gate
            .gate
            .close(ClosedConversations::AllExcept([].into()));
        let mut catch_up = Self::with_goal(ReplayGoal::All(resume.cursors));
        catch_up.is_other_history = resume.is_other_history;
        catch_up.since = resume.since;
        catch_up.synced.people_version = resume.people_version;
        let is_behind = |version: &i64| *version < resume.people_version;
        let is_lost = |version: i64| resume.is_other_history || version > resume.people_version;
        catch_up.synced.people_reset = resume.people.is_some_and(is_lost);
        let missed = resume.people.filter(is_behind);
        let read = match missed.filter(|_| !catch_up.synced.people_reset) {
            Some(version) => ReplayRead::Names(version),
            None => catch_up.read_states(),
        };
        (catch_up, read)
    }

    fn read_states(&self) -> ReplayRead {
        let named = match &self.goal {
            ReplayGoal::All(cursors) => cursors.keys().copied().collect(),
            ReplayGoal::One(_) => Vec::new(),
        };
        let since = self.since;
        ReplayRead::States { named, since }
    }

    fn apply_names(&mut self, names: MissedRenames, turn: &mut ReplayTurn) -> Option<ReplayRead> {
        match names {
            MissedRenames::Users(users) => {
                for user in users {
                    turn.push_event(&ServerEvent::User { user });
                }
            }
            MissedRenames::TooMany => self.synced.people_reset = true,
        }
        Some(self.read_states())
    }

    fn with_goal(goal: ReplayGoal) -> Self {
        Self {
            goal,
            since: None,
            is_other_history: false,
            other_history: VecDeque::new(),
            new: VecDeque::new(),
            synced: SyncedSummary::default(),
            showing: Vec::new(),
            behind: VecDeque::new(),
            replay: None,
            up_to_date: HashMap::new(),
        }
    }

    /// Returns the conversation if only one is resumed.
    pub(super) fn conversation(&self) -> Option<ConversationId> {
        match self.goal {
            ReplayGoal::One(id) => Some(id),
            ReplayGoal::All(_) => None,
        }
    }

    /// Ends the replay of a conversation; returns the deliveries that the gate
    /// kept.
    pub(super) fn abandon(
        id: ConversationId,
        replay_gate: &mut ReplayGate<'_>,
    ) -> Vec<SessionDelivery> {
        replay_gate.floors.finish(HashMap::new());
        replay_gate.gate.open(id)
    }

    /// Applies the result of a read.
    pub(super) fn apply_data(
        &mut self,
        found: ReplayData,
        replay_gate: &mut ReplayGate<'_>,
    ) -> ReplayTurn {
        let mut turn = ReplayTurn::default();
        turn.next = match found {
            ReplayData::Nothing => self.begin_round(replay_gate, &mut turn),
            ReplayData::Names(names) => self.apply_names(names, &mut turn),
            ReplayData::States(standings) => self.sort_states(standings, replay_gate, &mut turn),
            ReplayData::Views(views) => self.show_views(views, replay_gate, &mut turn),
            ReplayData::Round(round) => self.apply_round(*round, replay_gate, &mut turn),
            ReplayData::Chunk(messages) => self.apply_chunk(&messages, replay_gate, &mut turn),
        };
        turn
    }

    /// Returns the next read once the current step is done.
    fn next_read(
        &mut self,
        replay_gate: &mut ReplayGate<'_>,
        turn: &mut ReplayTurn,
    ) -> Option<ReplayRead> {
        self.replay = None;
        if !self.other_history.is_empty() {
            let some = self.other_history.len().min(RESETS_PER_TURN);
            for (id, version) in self.other_history.drain(..some) {
                push_reset(id, version, ResetReason::OtherHistory, replay_gate, turn);
            }
            return Some(ReplayRead::Nothing);
        }
        if !self.new.is_empty() {
            let some = self.new.len().min(VIEWS_PER_READ);
            self.showing = self.new.drain(..some).collect();
            replay_gate.gate.hold(self.showing.clone());
            return Some(ReplayRead::Views(self.showing.clone()));
        }
        if let Some((id, after)) = self.behind.pop_front() {
            self.replay = Some(ConversationReplay::new(id, after));
            return Some(ReplayRead::Nothing);
        }
        match self.goal {
            ReplayGoal::All(_) => self.finish(replay_gate, turn),
            ReplayGoal::One(_) => {
                replay_gate.floors.finish(HashMap::new());
                None
            }
        }
    }

    fn begin_round(
        &mut self,
        replay_gate: &mut ReplayGate<'_>,
        turn: &mut ReplayTurn,
    ) -> Option<ReplayRead> {
        let Some(replay) = &self.replay else {
            return self.next_read(replay_gate, turn);
        };
        replay_gate.gate.hold(vec![replay.id]);
        Some(ReplayRead::Round {
            id: replay.id,
            after: replay.after,
        })
    }

    fn sort_states(
        &mut self,
        standings: ResumeConversations,
        replay_gate: &mut ReplayGate<'_>,
        turn: &mut ReplayTurn,
    ) -> Option<ReplayRead> {
        if let (ReplayGoal::All(cursors), true) = (&self.goal, self.is_other_history) {
            let named = standings.named.iter();
            let versions: HashMap<_, _> = named.map(|it| (it.id, it.version)).collect();
            let lost = cursors.keys().map(|id| (*id, versions.get(id).copied()));
            self.other_history = lost.collect();
        } else if let ReplayGoal::All(cursors) = &self.goal {
            for standing in &standings.named {
                match cursors.get(&standing.id) {
                    None => {}
                    Some(cursor) if (standing.version..=standing.ceiling).contains(cursor) => {
                        self.up_to_date.insert(standing.id, *cursor);
                    }
                    Some(cursor) => self.behind.push_back((standing.id, *cursor)),
                }
            }
        }
        self.new = standings.unnamed.into();
        self.synced.more = standings.has_more;
        self.next_read(replay_gate, turn)
    }

    fn show_views(
        &mut self,
        mut views: Vec<Conversation>,
        replay_gate: &mut ReplayGate<'_>,
        turn: &mut ReplayTurn,
    ) -> Option<ReplayRead> {
        let kept = replay_gate.gate.open_held();
        let order = std::mem::take(&mut self.showing);
        views.sort_by_key(|view| order.iter().position(|id| *id == view.id));
        for id in order {
            // Every conversation has a view: former members have one, too.
            replay_gate.floors.reach(id, 0);
        }
        for view in views {
            let (id, version) = (view.id, view.version);
            replay_gate.floors.reach(id, version);
            if kept.is_err() {
                self.behind.push_back((id, version));
            }
            let conversation = Box::new(view);
            turn.push_event(&ServerEvent::Conversation { conversation });
        }
        turn.push_deliveries(kept.unwrap_or_else(|passing| passing));
        self.next_read(replay_gate, turn)
    }

    fn apply_round(
        &mut self,
        round: ConversationDelta,
        replay_gate: &mut ReplayGate<'_>,
        turn: &mut ReplayTurn,
    ) -> Option<ReplayRead> {
        let Some(replay) = &mut self.replay else {
            return self.next_read(replay_gate, turn);
        };
        let (conversation_id, version) = (replay.id, round.view.version);
        if let Some(reason) = replay.reset_reason(&round) {
            push_reset(conversation_id, Some(version), reason, replay_gate, turn);
            return self.next_read(replay_gate, turn);
        }
        let written = turn.push_messages(&round.messages);
        replay.up_to = version;
        if written < round.changed.len() {
            turn.push_deliveries(replay_gate.gate.release_held());
            replay.rest = round.changed.into_iter().skip(written).collect();
            return Some(replay.read_rest());
        }
        match replay_gate.gate.open_held() {
            Ok(kept) => {
                turn.push_event(&ServerEvent::Resumed {
                    conversation_id,
                    version,
                    conversation: Box::new(round.view),
                });
                replay_gate.floors.reach(conversation_id, version);
                turn.push_deliveries(kept);
                self.next_read(replay_gate, turn)
            }
            Err(passing) => {
                turn.push_deliveries(passing);
                Some(replay.next_round())
            }
        }
    }

    fn apply_chunk(
        &mut self,
        messages: &[Message],
        replay_gate: &mut ReplayGate<'_>,
        turn: &mut ReplayTurn,
    ) -> Option<ReplayRead> {
        let Some(replay) = &mut self.replay else {
            return self.next_read(replay_gate, turn);
        };
        let written = turn.push_messages(messages);
        let seqs = ChangedSeq::first_batch(replay.rest.iter().copied());
        // Messages that changed again are missing here: the next round has
        // them.
        let done = match messages.get(written) {
            Some(next) => next.seq - 1,
            None => seqs.last().copied().unwrap_or(i64::MAX),
        };
        replay.rest.retain(|changed| changed.seq > done);
        Some(if replay.rest.is_empty() {
            replay.next_round()
        } else {
            replay.read_rest()
        })
    }

    fn finish(
        &mut self,
        replay_gate: &mut ReplayGate<'_>,
        turn: &mut ReplayTurn,
    ) -> Option<ReplayRead> {
        match replay_gate.gate.open_all(&self.up_to_date) {
            Ok(counts) => {
                replay_gate
                    .floors
                    .finish(std::mem::take(&mut self.up_to_date));
                turn.push_deliveries(counts);
                turn.outputs.push(TurnOutput::Synced(self.synced));
                None
            }
            Err(newer) => {
                for id in newer {
                    match self.up_to_date.remove(&id) {
                        Some(cursor) => self.behind.push_back((id, cursor)),
                        None => self.new.push_back(id),
                    }
                }
                self.next_read(replay_gate, turn)
            }
        }
    }
}

#[cfg(test)]
mod tests;
