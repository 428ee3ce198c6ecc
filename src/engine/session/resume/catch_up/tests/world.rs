//! Conversations, their Rooms, and a session that catches up with them.

use std::collections::{HashMap, VecDeque};

use entity::ConversationId;

use super::client::Client;
use super::room::Room;
use crate::engine::session::resume::catch_up::*;

pub(super) const ROOMS: usize = 3;

/// What may happen next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Somebody sends so many, or touches something, or reads.
    Post(usize, usize),
    Touch(usize, usize),
    Mark(usize),
    /// The client's person has seen everything, or goes, or comes again.
    See(usize),
    Go(usize),
    /// A Room tells so much of what comes next.
    Tell(usize, usize),
    /// The session takes a delivery from its mailbox.
    Hear,
    /// A reading is done, or its result is taken.
    Read,
    Found,
    /// The client asks, or its connection ends and it comes back.
    Resume,
    CutOff,
    /// The same, and it comes back with a version that there never was.
    Astray(usize),
}

pub(super) struct World {
    is_bound: bool,
    budget: usize,
    pub(super) has_no_gate: bool,
    /// How long each message is, and how many of them each turn told.
    pub(super) weight: usize,
    pub(super) turns: Vec<usize>,
    /// More changed messages than this aren't looked at.
    pub(super) looked_at: usize,
    rooms: [Room; ROOMS],
    gate: Gate,
    floors: Floors,
    mailbox: VecDeque<Deliver>,
    under_way: Option<CatchUp>,
    reading: Option<Read>,
    found: Option<Found>,
    client: Client,
    /// What waits in each, as the session was told.
    tally: HashMap<ConversationId, i64>,
    /// How often the client had to begin afresh.
    pub(super) resets: usize,
    /// The most conversations that are shown without having been named.
    pub(super) unnamed_max: usize,
    /// The client has cursors of another history.
    pub(super) is_other: bool,
}

pub(super) fn id(at: usize) -> ConversationId {
    ConversationId(i64::try_from(at).unwrap() + 1)
}

fn at(id: ConversationId) -> usize {
    usize::try_from(id.0).unwrap() - 1
}

impl World {
    /// The client knows so many of the conversations, with nothing in them.
    pub(super) fn new(is_bound: bool, known: usize, budget: usize) -> Self {
        let mut client = Client::default();
        client.copies = (0..known).map(|at| (id(at), Default::default())).collect();
        Self {
            is_bound,
            budget,
            has_no_gate: false,
            weight: 0,
            turns: Vec::new(),
            looked_at: usize::MAX,
            rooms: std::array::from_fn(|at| Room::new(id(at))),
            gate: Gate::default(),
            floors: Floors::default(),
            mailbox: VecDeque::new(),
            under_way: None,
            reading: None,
            found: None,
            client,
            tally: HashMap::new(),
            resets: 0,
            unnamed_max: usize::MAX,
            is_other: false,
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Post(at, many) => (0..many).for_each(|_| self.rooms[at].post(self.weight)),
            Step::Touch(at, which) => self.rooms[at].touch(which),
            Step::Mark(at) => self.rooms[at].mark(),
            Step::See(at) => self.rooms[at].see(),
            // A socket that is bound to what one leaves is closed.
            Step::Go(0) if self.is_bound => {}
            Step::Go(at) => self.go_or_come(at),
            Step::Tell(at, many) => (0..many).for_each(|_| self.tell(at)),
            Step::Hear => {
                if let Some(delivery) = self.mailbox.pop_front() {
                    self.hear(&delivery);
                }
            }
            Step::Read => {
                if let Some(read) = self.reading.take() {
                    self.found = Some(self.read(read));
                }
            }
            Step::Found => self.take_found(),
            Step::Resume => self.resume(),
            Step::CutOff => self.cut_off(),
            Step::Astray(at) => {
                self.cut_off();
                if let Some(copy) = self.client.copies.get_mut(&id(at)) {
                    copy.astray();
                }
            }
        }
    }

    /// Who goes is let in again only once everybody was told that they went, and
    /// here once their client has heard it: a client that catches up at that
    /// very moment may hear of the end after it was replayed that it is over.
    fn go_or_come(&mut self, at: usize) {
        if self.rooms[at].has_left() {
            if self.under_way.is_some() {
                return;
            }
            while !self.rooms[at].is_told() {
                self.tell(at);
            }
            while !self.mailbox.is_empty() {
                self.step(Step::Hear);
            }
        }
        self.rooms[at].go_or_come();
    }

    /// Whoever comes back reads how much waits before anything else.
    fn cut_off(&mut self) {
        self.gate = Gate::default();
        self.floors = Floors::default();
        self.mailbox.clear();
        self.under_way = None;
        self.reading = None;
        self.found = None;
        self.client.cut_off();
        let rooms = self.rooms.iter();
        self.tally = rooms.map(|room| (room.id, room.unread)).collect();
    }

    /// Everything that is under way comes to its end.
    pub(super) fn settle(&mut self) {
        if !self.client.is_asked {
            self.resume();
        }
        while self.under_way.is_some() {
            self.step(Step::Read);
            self.step(Step::Found);
        }
        for at in 0..ROOMS {
            while !self.rooms[at].is_told() {
                self.tell(at);
            }
        }
        while !self.mailbox.is_empty() {
            self.step(Step::Hear);
        }
    }

    /// The client has every message that changed since it knows of its
    /// conversation, as it is now: of one that it left, as it was then. What it
    /// was told to wait is what does.
    pub(super) fn check(&self) {
        let reach = if self.is_bound { 1 } else { ROOMS };
        for room in self.rooms.iter().take(reach) {
            let copy = &self.client.copies[&room.id];
            let version = room.told_to();
            for message in room.seen() {
                if (copy.base + 1..=version).contains(&message.version) {
                    let had = copy.messages.get(&message.seq);
                    assert_eq!(had, Some(&message.version), "the client has {copy:?}");
                }
            }
            assert_eq!(copy.has_left, room.has_left(), "the client has {copy:?}");
            let told = self.tally.get(&room.id).copied().unwrap_or_default();
            assert_eq!(told, room.unread, "what waits in {:?}", room.id);
        }
    }

    fn tell(&mut self, at: usize) {
        for delivery in self.rooms[at].tell() {
            if self.is_bound && at > 0 {
                continue;
            }
            let passes = match self.has_no_gate {
                true => Some(delivery),
                false => self.gate.admit(delivery, self.budget),
            };
            self.mailbox.extend(passes);
        }
    }

    fn hear(&mut self, delivery: &Deliver) {
        for frame in &*delivery.frames {
            if self.floors.is_news(frame) {
                self.client.hear_live(&frame.text);
            }
        }
        if let Some(unread) = delivery.unread {
            let count = if unread.is_away { 0 } else { unread.count };
            self.tally.insert(unread.conversation, count);
        }
    }

    /// Whoever is told to begin afresh reads the conversation over REST.
    fn begin_afresh(&mut self, text: &str) {
        let frame: serde_json::Value = serde_json::from_str(text).unwrap();
        if frame["type"] == "reset" {
            let id = ConversationId(frame["conversation_id"].as_i64().unwrap());
            let room = &self.rooms[at(id)];
            let there = room.seen().map(|it| (it.seq, it.version)).collect();
            self.client.read_again(&room.view(), there);
            self.resets += 1;
        }
    }

    fn resume(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        let cursors = self.client.cursors();
        let mut desk = Desk {
            gate: &self.gate,
            floors: &mut self.floors,
        };
        let (catch_up, read) = match self.is_bound {
            true => CatchUp::one((id(0), cursors[&id(0)]), self.is_other, &mut desk),
            false => {
                let asked = AllAsked {
                    cursors,
                    is_other: self.is_other,
                    people: Some(0),
                    people_version: 1,
                };
                CatchUp::all(asked, &mut desk)
            }
        };
        self.client.ask();
        self.under_way = Some(catch_up);
        self.reading = Some(read);
    }

    /// An actor reads its mailbox before it takes what its tasks found. Counts
    /// rest on that, since they have no version; frames don't.
    fn count_what_came_before(&mut self) {
        for delivery in &mut self.mailbox {
            if let Some(unread) = delivery.unread.take() {
                let count = if unread.is_away { 0 } else { unread.count };
                self.tally.insert(unread.conversation, count);
            }
        }
    }

    fn take_found(&mut self) {
        self.count_what_came_before();
        let (Some(found), Some(catch_up)) = (self.found.take(), &mut self.under_way) else {
            return;
        };
        let mut desk = Desk {
            gate: &self.gate,
            floors: &mut self.floors,
        };
        let turn = catch_up.found(found, &mut desk);
        if turn.next.is_none() {
            self.under_way = None;
        }
        self.reading = turn.next;
        let said = turn.out.iter();
        let told = said.filter(|out| matches!(out, Out::Say(text) if text.contains("\"seq\"")));
        self.turns
            .extend(Some(told.count()).filter(|told| *told > 0));
        for out in turn.out {
            match out {
                Out::Say(text) => {
                    self.client.hear(&text);
                    self.begin_afresh(&text);
                }
                Out::Pass(delivery) => self.hear(&delivery),
                Out::Synced(synced) => {
                    self.client.hear(&synced.event(0).encode());
                    if synced.more {
                        self.read_the_rest();
                    }
                }
            }
        }
    }

    /// The list has what wasn't shown.
    fn read_the_rest(&mut self) {
        for room in &self.rooms {
            let there = room.seen().map(|it| (it.seq, it.version)).collect();
            self.client.read_first(&room.view(), there);
        }
    }

    fn standings(&self, named: &[ConversationId]) -> Standings {
        let (named, mut unnamed): (Vec<_>, Vec<_>) = self
            .rooms
            .iter()
            .map(Room::standing)
            .partition(|standing| named.contains(&standing.id));
        let has_more = unnamed.len() > self.unnamed_max;
        unnamed.reverse();
        unnamed.truncate(self.unnamed_max);
        Standings {
            named,
            unnamed: unnamed.iter().map(|standing| standing.id).collect(),
            has_more,
        }
    }

    fn read(&self, read: Read) -> Found {
        match read {
            Read::Drained => Found::Drained,
            Read::Names(_) => Found::Names(MissedNames::These(Vec::new())),
            Read::Standings(named) => Found::Standings(self.standings(&named)),
            Read::Views(ids) => {
                let views = ids.into_iter().map(|id| self.rooms[at(id)].view());
                Found::Views(views.collect())
            }
            Read::Round { id, after } => {
                let round = self.rooms[at(id)].round(after, self.looked_at);
                Found::Round(Box::new(round))
            }
            Read::Chunk { id, seqs, up_to } => {
                let messages = self.rooms[at(id)].messages.iter();
                let asked = messages.filter(|it| seqs.contains(&it.seq) && it.version <= up_to);
                Found::Chunk(asked.cloned().collect())
            }
        }
    }
}
