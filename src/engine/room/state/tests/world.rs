//! What is around a Room's state, as a model.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use entity::{MessageId, receipt};

use super::disk::{Disk, post, user};
use super::knows::Knows;
use super::requests::Requests;
use super::shell::{Hold, Room};
use super::told::Told;
use crate::engine::room::NEVER_TOLD;
use crate::engine::room::state::*;
use crate::protocol::GroupTitle;
use crate::store::append::Settings;

/// What can happen next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    /// Somebody asks; the name is one of few, so that there are retries.
    Post {
        sender: i64,
        name: Option<u8>,
    },
    /// Somebody has one of the newest messages, or has seen it.
    Mark {
        actor: i64,
        kind: receipt::Kind,
        back: i64,
    },
    /// Marks were gathered for long enough.
    MarksDue,
    /// Somebody types in one of two sessions, or stops.
    Type {
        actor: i64,
        session: u64,
        is_typing: bool,
    },
    /// Time passes.
    Seconds(u64),
    /// Somebody changes the group, or something of their own.
    Change {
        actor: i64,
        what: Wish,
    },
    /// The Journal commits what waits first, or its database refuses it.
    Commit {
        size: usize,
        fails: bool,
    },
    /// The Room does the next thing; where that is a read, it may fail.
    Step {
        fails: bool,
    },
    /// The same, but it dies where it would tell something.
    StepAndDieTelling,
    /// The Room dies between two things.
    Die,
    /// The Room's timer for what couldn't be read.
    Timer,
    /// The connection comes or goes.
    Open {
        /// Whether the Room is told to look.
        is_told: bool,
    },
    JoinOrLeave(i64),
    /// Another node writes a message, and says so.
    WriteElsewhere,
    /// The Hub lets the Room go, where nothing is asked of it.
    Retire,
}

/// What somebody wants of a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Rename,
    Invite(i64),
    Remove(i64),
    Leave,
    SetRole(i64, Role),
    Archive,
}

pub(super) enum Input {
    Ask(usize),
    Committed(Vec<Outcome>, append::Marks),
    CatchUp,
    Refresh,
}

pub(super) struct World {
    pub(super) disk: Disk,
    /// At the Journal, each with the generation of its Room.
    pub(super) queue: VecDeque<(u32, Append)>,
    pub(super) requests: Requests,
    pub(super) mailbox: VecDeque<Input>,
    pub(super) loading: Option<RoomRecord>,
    pub(super) room: Option<Room>,
    pub(super) generation: u32,
    pub(super) slot: i64,
    pub(super) told: Told,
    pub(super) knows: Knows,
    pub(super) now: Instant,
    pub(super) before: i64,
    pub(super) is_dying: bool,
}

impl World {
    pub(super) fn new(direct: bool, before: i64) -> Self {
        let mut disk = Disk::new(direct);
        for _ in 0..before {
            disk.write(UserId(9), &post(None, "before"));
        }
        let disk_record = disk.record();
        Self {
            disk,
            queue: VecDeque::new(),
            requests: Requests::default(),
            mailbox: VecDeque::new(),
            loading: None,
            room: None,
            generation: 0,
            slot: NEVER_TOLD,
            told: Told::default(),
            knows: Knows::new(&disk_record),
            now: Instant::now(),
            before,
            is_dying: false,
        }
    }

    /// The versions that the first of them was told.
    pub(super) fn told(&self) -> Vec<i64> {
        self.told.versions(UserId(1))
    }

    fn ask(&mut self, actor: i64, ask: Ask) {
        let number = self.requests.add(UserId(actor), ask);
        self.mailbox.push_back(Input::Ask(number));
    }

    pub(super) fn apply(&mut self, op: Op) {
        match op {
            Op::Post { sender, name } => {
                let text = format!("request {}", self.requests.count());
                self.ask(sender, Ask::Post(Arc::new(post(name, &text))));
            }
            Op::Mark { actor, kind, back } => {
                let message = MessageId(self.disk.messages.len() as i64 - back);
                self.ask(actor, Ask::Mark(Mark { kind, message }));
            }
            Op::MarksDue => self.marks_due(),
            Op::Type {
                actor,
                session,
                is_typing,
            } => self.ask(actor, Ask::Type { session, is_typing }),
            Op::Seconds(seconds) => {
                self.now += Duration::from_secs(seconds);
                self.wake();
            }
            Op::Change { actor, what } => self.ask(actor, what.ask()),
            Op::Commit { size, fails } => self.commit(size, fails),
            Op::Step { fails } => self.step(fails),
            Op::StepAndDieTelling => {
                self.is_dying = true;
                self.step(false);
                self.is_dying = false;
            }
            Op::Die => self.die(),
            Op::Timer => self.timer(),
            Op::Open { is_told } => {
                if is_told {
                    self.mailbox.push_back(Input::Refresh);
                }
                self.disk.record.open ^= true;
                self.disk.record.members_version += 1;
            }
            // Where no Room was yet, nobody here was told anything either.
            Op::JoinOrLeave(_) | Op::WriteElsewhere if self.slot == NEVER_TOLD => {}
            Op::JoinOrLeave(user) => {
                self.disk.join_or_leave(user);
                self.mailbox.push_back(Input::CatchUp);
            }
            Op::WriteElsewhere => {
                self.disk.write(UserId(9), &post(None, "elsewhere"));
                self.mailbox.push_back(Input::CatchUp);
            }
            Op::Retire => self.retire(),
        }
    }

    /// Lets everything under way come to its end.
    pub(super) fn settle(&mut self) {
        self.mailbox.push_back(Input::CatchUp);
        for _ in 0..10_000 {
            let is_quiet = self.mailbox.is_empty()
                && self.queue.is_empty()
                && self.room.as_ref().is_some_and(|room| {
                    room.hold.is_none() && room.timers.is_empty() && room.state.is_idle()
                });
            if is_quiet {
                return;
            }
            self.step(false);
            self.timer();
            self.marks_due();
            self.now += Duration::from_secs(1);
            self.wake();
            self.commit(3, false);
        }
        panic!("it never comes to rest");
    }

    pub(super) fn check(&self) {
        self.told.check(&self.disk, self.before);
        self.knows.check(&self.disk);
        let room = self.room.as_ref().expect("at rest");
        let members = room.state.members.values().cloned();
        // What waits for each is kept beside.
        let members: Vec<RoomMember> = members
            .map(|member| RoomMember {
                unread: 0,
                ..member
            })
            .collect();
        assert_eq!(members, self.disk.record.members, "as on disk");
        self.requests.check(&self.disk);
    }

    fn commit(&mut self, size: usize, fails: bool) {
        let mut mine = Vec::new();
        let mut is_orphaned = false;
        for _ in 0..size {
            let Some((generation, append)) = self.queue.pop_front() else {
                break;
            };
            let outcome = if fails {
                Outcome::Refused(Problem::unavailable())
            } else {
                self.disk.append(&append)
            };
            if generation == self.generation && self.room.is_some() {
                mine.push(outcome);
            } else {
                is_orphaned = true;
            }
        }
        let moved = self.disk.take_moved();
        if !mine.is_empty() {
            self.mailbox.push_back(Input::Committed(mine, moved));
        }
        if is_orphaned {
            self.mailbox.push_back(Input::CatchUp);
        }
    }

    fn step(&mut self, fails: bool) {
        let Some(room) = &mut self.room else {
            return self.start();
        };
        if let Some(hold) = room.hold.take() {
            return self.resume(hold, fails);
        }
        let effects = match self.mailbox.pop_front() {
            None => return,
            Some(Input::Ask(number)) => {
                let (actor, ask) = self.requests.asked(number);
                room.state.ask((actor, self.now), ask, number)
            }
            Some(Input::Committed(outcomes, moved)) => room.state.committed(outcomes, moved),
            Some(Input::Refresh) => {
                room.hold = Some(Hold::Refresh(self.disk.record()));
                return;
            }
            Some(Input::CatchUp) => {
                room.hold = Some(Hold::CatchUp(self.disk.record.version));
                return;
            }
        };
        self.run(effects);
    }

    /// The Hub starts a Room, and what that read may be outdated by the time
    /// it is there.
    fn start(&mut self) {
        let Some(record) = self.loading.take() else {
            self.generation += 1;
            self.loading = Some(self.disk.record());
            return;
        };
        if self.slot == NEVER_TOLD {
            self.slot = record.version;
        }
        let version = record.version;
        let mut state = State::new(record, self.slot);
        let effects = state.catch_up(version);
        self.room = Some(Room::new(state));
        self.run(effects);
    }

    /// Whoever waits is answered `busy` by the `Drop` of their reply; what
    /// the Journal said is lost.
    pub(super) fn die(&mut self) {
        if self.room.take().is_none() && self.loading.take().is_none() {
            return;
        }
        let parked = self
            .mailbox
            .drain(..)
            .filter(|input| matches!(input, Input::Ask(_)));
        assert!(parked.count() <= self.requests.count());
        self.knows.nobody_types();
        self.requests.give_up();
    }

    /// The Journal never takes as long as it takes a Room to be idle.
    fn retire(&mut self) {
        let is_idle = self.mailbox.is_empty()
            && self.queue.is_empty()
            && self
                .room
                .as_ref()
                .is_some_and(|room| room.hold.is_none() && room.state.is_idle());
        if is_idle {
            self.room = None;
            self.slot = NEVER_TOLD;
        }
    }
}

impl Wish {
    fn ask(self) -> Ask {
        match self {
            Self::Rename => Ask::Rename(GroupTitle::parse("New").unwrap()),
            Self::Invite(id) => Ask::Invite {
                user: user(id),
                is_agreed: false,
            },
            Self::Remove(id) => Ask::Remove(UserId(id)),
            Self::Leave => Ask::Leave,
            Self::SetRole(id, role) => Ask::SetRole(UserId(id), role),
            Self::Archive => Ask::Settings(Settings {
                archived: Some(true),
                ..Settings::default()
            }),
        }
    }
}
