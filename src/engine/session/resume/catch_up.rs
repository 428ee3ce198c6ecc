//! How one `resume` goes on, from reading to reading: pure.
//!
//! A conversation is read in rounds, each of one moment, while the gate holds
//! its news. A round that fits into one chunk is the last: it is written,
//! `resumed` after it, and then what the gate held and is newer. Any other is
//! written chunk by chunk while the gate is shut, and what came meanwhile is
//! the next round's.

mod replay;
mod turn;

use std::collections::{HashMap, VecDeque};

use entity::ConversationId;

use super::floors::Floors;
use crate::engine::directory::gate::{Gate, Shut};
use crate::engine::ports::Deliver;
use crate::protocol::command::Cursors;
use crate::protocol::event::ResetReason;
use crate::protocol::{Conversation, Event, Message};
use crate::store::{Changed, MissedNames, Round, Standings};
use replay::Replay;
pub(super) use turn::{Out, Synced, Turn};

/// So many conversations are shown at a time.
const VIEWS: usize = 8;
/// So many are said to be of another history at a time: less than a chunk.
const RESETS: usize = 500;

/// What is to be read next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Nothing: the socket has room for more.
    Drained,
    /// Which names changed after a people version.
    Names(i64),
    /// The states of a user's conversations, compared with these.
    Standings(Vec<ConversationId>),
    /// These conversations.
    Views(Vec<ConversationId>),
    /// What changed in one.
    Round { id: ConversationId, after: i64 },
    /// More of what changed.
    Chunk {
        id: ConversationId,
        seqs: Vec<i64>,
        up_to: i64,
    },
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    Drained,
    Names(MissedNames),
    Standings(Standings),
    Views(Vec<Conversation>),
    Round(Box<Round>),
    Chunk(Vec<Message>),
}

/// What it works on.
pub(super) struct Desk<'a> {
    pub(super) gate: &'a Gate,
    pub(super) floors: &'a mut Floors,
}

/// What a client has that asks for all of its conversations.
#[derive(Debug)]
pub(super) struct AllAsked {
    pub(super) cursors: Cursors,
    /// Whether that is of another history.
    pub(super) is_other: bool,
    /// Up to which people version it has names; none if it keeps none.
    pub(super) people: Option<i64>,
    /// Up to which names were sent when the client asked.
    pub(super) people_version: i64,
}

/// One `resume`.
#[derive(Debug)]
pub(super) struct CatchUp {
    goal: Goal,
    /// Whether what the client has is of another history.
    is_other: bool,
    /// Those that it has of that, with their present version, if there is one.
    lost: VecDeque<(ConversationId, Option<i64>)>,
    /// To be shown whole, newest first.
    new: VecDeque<ConversationId>,
    /// What is said at the end.
    synced: Synced,
    /// Those that are being read for that.
    showing: Vec<ConversationId>,
    /// To be replayed from these versions on.
    behind: VecDeque<(ConversationId, i64)>,
    replay: Option<Replay>,
    /// The others, with what their client has.
    level: HashMap<ConversationId, i64>,
}

#[derive(Debug)]
enum Goal {
    One(ConversationId),
    All(Cursors),
}

impl CatchUp {
    /// Replays a conversation from a version on.
    pub(super) fn one(
        from: (ConversationId, i64),
        is_other: bool,
        desk: &mut Desk<'_>,
    ) -> (Self, Read) {
        desk.floors.begin_one(from.0);
        desk.gate.shut(Shut::One(from.0));
        let mut catch_up = Self::towards(Goal::One(from.0));
        catch_up.replay = Some(match is_other {
            true => Replay::of_other_history(from.0),
            false => Replay::new(from),
        });
        (catch_up, Read::Drained)
    }

    /// Replays all conversations, each from what the client has of it, after the
    /// names that changed.
    pub(super) fn all(asked: AllAsked, desk: &mut Desk<'_>) -> (Self, Read) {
        desk.floors.begin_all();
        desk.gate.shut(Shut::AllBut([].into()));
        let mut catch_up = Self::towards(Goal::All(asked.cursors));
        catch_up.is_other = asked.is_other;
        catch_up.synced.people_version = asked.people_version;
        let is_behind = |version: &i64| *version < asked.people_version;
        let is_lost = |version: i64| asked.is_other || version > asked.people_version;
        catch_up.synced.people_reset = asked.people.is_some_and(is_lost);
        let missed = asked.people.filter(is_behind);
        let read = match missed.filter(|_| !catch_up.synced.people_reset) {
            Some(version) => Read::Names(version),
            None => catch_up.read_standings(),
        };
        (catch_up, read)
    }

    fn read_standings(&self) -> Read {
        let named = match &self.goal {
            Goal::All(cursors) => cursors.keys().copied().collect(),
            Goal::One(_) => Vec::new(),
        };
        Read::Standings(named)
    }

    fn names(&mut self, names: MissedNames, turn: &mut Turn) -> Option<Read> {
        match names {
            MissedNames::These(users) => {
                for user in users {
                    turn.say(&Event::User { user });
                }
            }
            MissedNames::TooMany => self.synced.people_reset = true,
        }
        Some(self.read_standings())
    }

    fn towards(goal: Goal) -> Self {
        Self {
            goal,
            is_other: false,
            lost: VecDeque::new(),
            new: VecDeque::new(),
            synced: Synced::default(),
            showing: Vec::new(),
            behind: VecDeque::new(),
            replay: None,
            level: HashMap::new(),
        }
    }

    /// The conversation, where it is about one.
    pub(super) fn only(&self) -> Option<ConversationId> {
        match self.goal {
            Goal::One(id) => Some(id),
            Goal::All(_) => None,
        }
    }

    /// A conversation isn't replayed: what was kept back of it.
    pub(super) fn give_up(id: ConversationId, desk: &mut Desk<'_>) -> Vec<Deliver> {
        desk.floors.finish(HashMap::new());
        desk.gate.open(id)
    }

    /// What follows from what was found.
    pub(super) fn found(&mut self, found: Found, desk: &mut Desk<'_>) -> Turn {
        let mut turn = Turn::default();
        turn.next = match found {
            Found::Drained => self.begin_round(desk, &mut turn),
            Found::Names(names) => self.names(names, &mut turn),
            Found::Standings(standings) => self.sort(standings, desk, &mut turn),
            Found::Views(views) => self.show(views, desk, &mut turn),
            Found::Round(round) => self.round(*round, desk, &mut turn),
            Found::Chunk(messages) => self.chunk(&messages, desk, &mut turn),
        };
        turn
    }

    /// What comes next, once nothing is under way.
    fn go_on(&mut self, desk: &mut Desk<'_>, turn: &mut Turn) -> Option<Read> {
        self.replay = None;
        if !self.lost.is_empty() {
            let some = self.lost.len().min(RESETS);
            for (id, version) in self.lost.drain(..some) {
                reset((id, version), ResetReason::OtherHistory, desk, turn);
            }
            return Some(Read::Drained);
        }
        if !self.new.is_empty() {
            let some = self.new.len().min(VIEWS);
            self.showing = self.new.drain(..some).collect();
            desk.gate.hold(self.showing.clone());
            return Some(Read::Views(self.showing.clone()));
        }
        if let Some(from) = self.behind.pop_front() {
            self.replay = Some(Replay::new(from));
            return Some(Read::Drained);
        }
        match self.goal {
            Goal::All(_) => self.finish(desk, turn),
            Goal::One(_) => {
                desk.floors.finish(HashMap::new());
                None
            }
        }
    }

    fn begin_round(&mut self, desk: &mut Desk<'_>, turn: &mut Turn) -> Option<Read> {
        let Some(replay) = &self.replay else {
            return self.go_on(desk, turn);
        };
        desk.gate.hold(vec![replay.id]);
        Some(Read::Round {
            id: replay.id,
            after: replay.after,
        })
    }

    fn sort(&mut self, standings: Standings, desk: &mut Desk<'_>, turn: &mut Turn) -> Option<Read> {
        if let (Goal::All(cursors), true) = (&self.goal, self.is_other) {
            let named = standings.named.iter();
            let versions: HashMap<_, _> = named.map(|it| (it.id, it.version)).collect();
            let lost = cursors.keys().map(|id| (*id, versions.get(id).copied()));
            self.lost = lost.collect();
        } else if let Goal::All(cursors) = &self.goal {
            for standing in &standings.named {
                match cursors.get(&standing.id) {
                    None => {}
                    Some(cursor) if (standing.version..=standing.ceiling).contains(cursor) => {
                        self.level.insert(standing.id, *cursor);
                    }
                    Some(cursor) => self.behind.push_back((standing.id, *cursor)),
                }
            }
        }
        self.new = standings.unnamed.into();
        self.synced.more = standings.has_more;
        self.go_on(desk, turn)
    }

    fn show(
        &mut self,
        mut views: Vec<Conversation>,
        desk: &mut Desk<'_>,
        turn: &mut Turn,
    ) -> Option<Read> {
        let kept = desk.gate.open_held();
        let order = std::mem::take(&mut self.showing);
        views.sort_by_key(|view| order.iter().position(|id| *id == view.id));
        for id in order {
            // There is a view of each: nobody ceases to have been in one.
            desk.floors.reach(id, 0);
        }
        for view in views {
            let (id, version) = (view.id, view.version);
            desk.floors.reach(id, version);
            if kept.is_err() {
                self.behind.push_back((id, version));
            }
            let conversation = Box::new(view);
            turn.say(&Event::Conversation { conversation });
        }
        turn.pass(kept.unwrap_or_else(|passing| passing));
        self.go_on(desk, turn)
    }

    fn round(&mut self, round: Round, desk: &mut Desk<'_>, turn: &mut Turn) -> Option<Read> {
        let Some(replay) = &mut self.replay else {
            return self.go_on(desk, turn);
        };
        let (conversation_id, version) = (replay.id, round.view.version);
        if let Some(reason) = replay.judge(&round) {
            reset((conversation_id, Some(version)), reason, desk, turn);
            return self.go_on(desk, turn);
        }
        let written = turn.tell(&round.messages);
        replay.up_to = version;
        if written < round.changed.len() {
            turn.pass(desk.gate.let_go());
            replay.rest = round.changed.into_iter().skip(written).collect();
            return Some(replay.read_rest());
        }
        match desk.gate.open_held() {
            Ok(kept) => {
                turn.say(&Event::Resumed {
                    conversation_id,
                    version,
                    conversation: Box::new(round.view),
                });
                desk.floors.reach(conversation_id, version);
                turn.pass(kept);
                self.go_on(desk, turn)
            }
            Err(passing) => {
                turn.pass(passing);
                Some(replay.next_round())
            }
        }
    }

    fn chunk(
        &mut self,
        messages: &[Message],
        desk: &mut Desk<'_>,
        turn: &mut Turn,
    ) -> Option<Read> {
        let Some(replay) = &mut self.replay else {
            return self.go_on(desk, turn);
        };
        let written = turn.tell(messages);
        let asked = Changed::first_of(replay.rest.iter().copied());
        // What changed again meanwhile isn't there: it is the next round's.
        let done = match messages.get(written) {
            Some(next) => next.seq - 1,
            None => asked.last().copied().unwrap_or(i64::MAX),
        };
        replay.rest.retain(|changed| changed.seq > done);
        Some(match replay.rest.is_empty() {
            true => replay.next_round(),
            false => replay.read_rest(),
        })
    }

    fn finish(&mut self, desk: &mut Desk<'_>, turn: &mut Turn) -> Option<Read> {
        match desk.gate.finish(&self.level) {
            Ok(counts) => {
                desk.floors.finish(std::mem::take(&mut self.level));
                turn.pass(counts);
                turn.out.push(Out::Synced(self.synced));
                None
            }
            Err(newer) => {
                for id in newer {
                    match self.level.remove(&id) {
                        Some(cursor) => self.behind.push_back((id, cursor)),
                        None => self.new.push_back(id),
                    }
                }
                self.go_on(desk, turn)
            }
        }
    }
}

/// Says that a conversation is to be read again. What was dropped of it is on
/// disk, and will be read there.
fn reset(
    (conversation_id, version): (ConversationId, Option<i64>),
    reason: ResetReason,
    desk: &mut Desk<'_>,
    turn: &mut Turn,
) {
    turn.say(&Event::Reset {
        conversation_id,
        reason,
    });
    if let Some(version) = version {
        desk.floors.reach(conversation_id, version);
        turn.pass(desk.gate.open(conversation_id));
    }
}

#[cfg(test)]
mod tests;
