//! Conversations, their Rooms, and a session that catches up.

use std::collections::{HashMap, VecDeque};

use entity::ConversationId;

use super::client::CatchUpClient;
use super::room::RoomModel;
use crate::engine::session::resume::catch_up::*;

pub(super) const ROOMS: usize = 3;

/// A step of the model.
#[derive(Clone, Copy, Debug)]
pub(super) enum CatchUpStep {
    /// Another user sends messages, edits one, or moves a mark.
    Post(usize, usize),
    Edit(usize, usize),
    Mark(usize),
    /// The client's user reads everything, leaves, or rejoins.
    ReadAll(usize),
    LeaveOrJoin(usize),
    /// A Room announces some of its changes.
    Announce(usize, usize),
    /// The session takes a delivery from its mailbox.
    TakeDelivery,
    /// A read runs, or its result is taken.
    Read,
    TakeResult,
    /// The client resumes, or its connection breaks.
    Resume,
    CutOff,
    /// The connection breaks, and the client returns with an unknown version.
    UnknownVersion(usize),
}

pub(super) struct CatchUpWorld {
    is_bound: bool,
    budget: usize,
    pub(super) has_no_gate: bool,
    /// The length of each message, and the number of messages sent in each
    /// turn.
    pub(super) weight: usize,
    pub(super) turns: Vec<usize>,
    /// Reads with more changed messages than this are cut.
    pub(super) looked_at: usize,
    rooms: [RoomModel; ROOMS],
    gate: DeliveryGate,
    floors: ReplayFloors,
    mailbox: VecDeque<SessionDelivery>,
    under_way: Option<CatchUp>,
    reading: Option<ReplayRead>,
    found: Option<ReplayData>,
    client: CatchUpClient,
    /// The unread count of each conversation, as the session got it.
    tally: HashMap<ConversationId, i64>,
    /// The number of resets that the client got.
    pub(super) resets: usize,
    /// The maximum number of unnamed conversations that are sent whole.
    pub(super) unnamed_max: usize,
    /// The client has cursors of another history.
    pub(super) is_other_history: bool,
}

pub(super) fn id(at: usize) -> ConversationId {
    ConversationId(i64::try_from(at).unwrap() + 1)
}

fn at(id: ConversationId) -> usize {
    usize::try_from(id.0).unwrap() - 1
}

impl CatchUpWorld {
    /// Creates a world whose client has the first `known` conversations, all
    /// empty.
    pub(super) fn new(is_bound: bool, known: usize, budget: usize) -> Self {
        let mut client = CatchUpClient::default();
        client.copies = (0..known).map(|at| (id(at), Default::default())).collect();
        Self {
            is_bound,
            budget,
            has_no_gate: false,
            weight: 0,
            turns: Vec::new(),
            looked_at: usize::MAX,
            rooms: std::array::from_fn(|at| RoomModel::new(id(at))),
            gate: DeliveryGate::default(),
            floors: ReplayFloors::default(),
            mailbox: VecDeque::new(),
            under_way: None,
            reading: None,
            found: None,
            client,
            tally: HashMap::new(),
            resets: 0,
            unnamed_max: usize::MAX,
            is_other_history: false,
        }
    }

    pub(super) fn step(&mut self, step: CatchUpStep) {
        match step {
            CatchUpStep::Post(at, many) => (0..many).for_each(|_| self.rooms[at].post(self.weight)),
            CatchUpStep::Edit(at, which) => self.rooms[at].edit_message(which),
            CatchUpStep::Mark(at) => self.rooms[at].read_by_other(),
            CatchUpStep::ReadAll(at) => self.rooms[at].read_all(),
            // A bound socket is closed when its user leaves.
            CatchUpStep::LeaveOrJoin(0) if self.is_bound => {}
            CatchUpStep::LeaveOrJoin(at) => self.leave_or_join(at),
            CatchUpStep::Announce(at, many) => (0..many).for_each(|_| self.announce(at)),
            CatchUpStep::TakeDelivery => {
                if let Some(delivery) = self.mailbox.pop_front() {
                    self.take_delivery(&delivery);
                }
            }
            CatchUpStep::Read => {
                if let Some(read) = self.reading.take() {
                    self.found = Some(self.read(read));
                }
            }
            CatchUpStep::TakeResult => self.take_result(),
            CatchUpStep::Resume => self.resume(),
            CatchUpStep::CutOff => self.cut_off(),
            CatchUpStep::UnknownVersion(at) => {
                self.cut_off();
                if let Some(copy) = self.client.copies.get_mut(&id(at)) {
                    copy.set_unknown_version();
                }
            }
        }
    }

    /// The user rejoins only after all members were sent the leaving, and this
    /// client has handled it. A client that catches up at that moment may get
    /// the removal after a replay that includes it.
    fn leave_or_join(&mut self, at: usize) {
        if self.rooms[at].has_left() {
            if self.under_way.is_some() {
                return;
            }
            while !self.rooms[at].is_announced() {
                self.announce(at);
            }
            while !self.mailbox.is_empty() {
                self.step(CatchUpStep::TakeDelivery);
            }
        }
        self.rooms[at].leave_or_join();
    }

    /// Breaks the connection; the next one reads the unread counts first.
    fn cut_off(&mut self) {
        self.gate = DeliveryGate::default();
        self.floors = ReplayFloors::default();
        self.mailbox.clear();
        self.under_way = None;
        self.reading = None;
        self.found = None;
        self.client.cut_off();
        let rooms = self.rooms.iter();
        self.tally = rooms.map(|room| (room.id, room.unread)).collect();
    }

    /// Runs everything under way to its end.
    pub(super) fn settle(&mut self) {
        if !self.client.is_asked {
            self.resume();
        }
        while self.under_way.is_some() {
            self.step(CatchUpStep::Read);
            self.step(CatchUpStep::TakeResult);
        }
        for at in 0..ROOMS {
            while !self.rooms[at].is_announced() {
                self.announce(at);
            }
        }
        while !self.mailbox.is_empty() {
            self.step(CatchUpStep::TakeDelivery);
        }
    }

    /// The client has the current version of every message that changed since
    /// it has the conversation; after leaving, the version from then. Its
    /// unread counts are right.
    pub(super) fn check(&self) {
        let reach = if self.is_bound { 1 } else { ROOMS };
        for room in self.rooms.iter().take(reach) {
            let copy = &self.client.copies[&room.id];
            let version = room.announced_to();
            for message in room.visible_messages() {
                if (copy.base + 1..=version).contains(&message.version) {
                    let had = copy.messages.get(&message.seq);
                    assert_eq!(had, Some(&message.version), "the client has {copy:?}");
                }
            }
            assert_eq!(copy.has_left, room.has_left(), "the client has {copy:?}");
            let count = self.tally.get(&room.id).copied().unwrap_or_default();
            assert_eq!(count, room.unread, "unread count of {:?}", room.id);
        }
    }

    fn announce(&mut self, at: usize) {
        for delivery in self.rooms[at].take_deliveries() {
            if self.is_bound && at > 0 {
                continue;
            }
            let passes = if self.has_no_gate {
                Some(delivery)
            } else {
                self.gate.admit(delivery, self.budget)
            };
            self.mailbox.extend(passes);
        }
    }

    fn take_delivery(&mut self, delivery: &SessionDelivery) {
        for frame in &*delivery.frames {
            if self.floors.is_newer(frame) {
                self.client.receive_live(&frame.text);
            }
        }
        if let Some(unread) = delivery.unread {
            let count = if unread.is_excluded { 0 } else { unread.count };
            self.tally.insert(unread.conversation, count);
        }
    }

    /// After a reset, the client reads the conversation over REST.
    fn read_after_reset(&mut self, text: &str) {
        let frame: serde_json::Value = serde_json::from_str(text).unwrap();
        if frame["type"] == "reset" {
            let id = ConversationId(frame["conversation_id"].as_i64().unwrap());
            let room = &self.rooms[at(id)];
            let versions = room
                .visible_messages()
                .map(|it| (it.seq, it.version))
                .collect();
            self.client.read_again(&room.view(), versions);
            self.resets += 1;
        }
    }

    fn resume(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        let cursors = self.client.cursors();
        let mut replay_gate = ReplayGate {
            gate: &self.gate,
            floors: &mut self.floors,
        };
        let (catch_up, read) = if self.is_bound {
            CatchUp::begin_one(
                id(0),
                cursors[&id(0)],
                self.is_other_history,
                &mut replay_gate,
            )
        } else {
            let full = FullResume {
                cursors,
                since: None,
                is_other_history: self.is_other_history,
                people: Some(0),
                people_version: 1,
            };
            CatchUp::begin_all(full, &mut replay_gate)
        };
        self.client.begin_resume();
        self.under_way = Some(catch_up);
        self.reading = Some(read);
    }

    /// Takes the unread counts of waiting deliveries: an actor handles its
    /// mailbox before the results of its tasks. Counts depend on that order,
    /// since they have no version; frames don't.
    fn count_delivered_unread(&mut self) {
        for delivery in &mut self.mailbox {
            if let Some(unread) = delivery.unread.take() {
                let count = if unread.is_excluded { 0 } else { unread.count };
                self.tally.insert(unread.conversation, count);
            }
        }
    }

    fn take_result(&mut self) {
        self.count_delivered_unread();
        let (Some(found), Some(catch_up)) = (self.found.take(), &mut self.under_way) else {
            return;
        };
        let mut replay_gate = ReplayGate {
            gate: &self.gate,
            floors: &mut self.floors,
        };
        let turn = catch_up.apply_data(found, &mut replay_gate);
        if turn.next.is_none() {
            self.under_way = None;
        }
        self.reading = turn.next;
        let outputs = turn.outputs.iter();
        let sent =
            outputs.filter(|out| matches!(out, TurnOutput::Send(text) if text.contains("\"seq\"")));
        self.turns
            .extend(Some(sent.count()).filter(|sent| *sent > 0));
        for out in turn.outputs {
            match out {
                TurnOutput::Send(text) => {
                    self.client.receive_replay(&text);
                    self.read_after_reset(&text);
                }
                TurnOutput::Deliver(delivery) => self.take_delivery(&delivery),
                TurnOutput::Synced(synced) => {
                    self.client.receive_replay(&synced.to_event(0).encode());
                    if synced.more {
                        self.read_the_rest();
                    }
                }
            }
        }
    }

    /// The client reads the conversations that weren't sent in its list.
    fn read_the_rest(&mut self) {
        for room in &self.rooms {
            let versions = room
                .visible_messages()
                .map(|it| (it.seq, it.version))
                .collect();
            self.client.read_first(&room.view(), versions);
        }
    }

    fn states(&self, named: &[ConversationId]) -> ResumeConversations {
        let (named, mut unnamed): (Vec<_>, Vec<_>) = self
            .rooms
            .iter()
            .map(RoomModel::state)
            .partition(|standing| named.contains(&standing.id));
        let has_more = unnamed.len() > self.unnamed_max;
        unnamed.reverse();
        unnamed.truncate(self.unnamed_max);
        ResumeConversations {
            named,
            unnamed: unnamed.iter().map(|standing| standing.id).collect(),
            has_more,
        }
    }

    fn read(&self, read: ReplayRead) -> ReplayData {
        match read {
            ReplayRead::Nothing => ReplayData::Nothing,
            ReplayRead::Names(_) => ReplayData::Names(MissedRenames::Users(Vec::new())),
            ReplayRead::States { named, .. } => ReplayData::States(self.states(&named)),
            ReplayRead::Views(ids) => {
                let views = ids.into_iter().map(|id| self.rooms[at(id)].view());
                ReplayData::Views(views.collect())
            }
            ReplayRead::Round { id, after } => {
                let round = self.rooms[at(id)].round(after, self.looked_at);
                ReplayData::Round(Box::new(round))
            }
            ReplayRead::Chunk { id, seqs, up_to } => {
                let messages = self.rooms[at(id)].messages.iter();
                let chunk = messages.filter(|it| seqs.contains(&it.seq) && it.version <= up_to);
                ReplayData::Chunk(chunk.cloned().collect())
            }
        }
    }
}
