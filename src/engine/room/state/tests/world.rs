//! What is around a Room's state, as a model.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::super::*;
use super::disk::{Disk, asked, number, post};
use crate::engine::reply::Done;
use crate::engine::room::NEVER_TOLD;
use crate::protocol::{ClientId, Code};
use crate::store::append::Post;

/// What can happen next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    /// Somebody asks; the name is one of few, so that there are retries.
    Post {
        sender: i64,
        name: Option<u8>,
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
    Open,
    JoinOrLeave(i64),
    /// Another node writes a message, and says so.
    WriteElsewhere,
    /// The Hub lets the Room go, where nothing is asked of it.
    Retire,
}

enum Input {
    Post(usize),
    Committed(Vec<Outcome>),
    CatchUp,
}

/// A read that holds the Room's mailbox, with what it found.
enum Hold {
    Reload(RoomRecord),
    Messages(Missing, Vec<Arc<Message>>, RoomRecord),
    CatchUp(i64),
    Show,
}

struct Room {
    state: State<usize>,
    rest: VecDeque<Effect<usize>>,
    hold: Option<Hold>,
    timers: VecDeque<i64>,
}

struct Request {
    sender: UserId,
    post: Arc<Post>,
    answer: Option<Result<Done, Problem>>,
    /// The database failed while this was under way.
    may_fail: bool,
}

pub(super) struct World {
    disk: Disk,
    /// At the Journal, each with the generation of its Room.
    queue: VecDeque<(u32, Append)>,
    requests: Vec<Request>,
    mailbox: VecDeque<Input>,
    loading: Option<RoomRecord>,
    room: Option<Room>,
    generation: u32,
    slot: i64,
    told: Vec<i64>,
    before: i64,
    is_dying: bool,
}

impl World {
    pub(super) fn new(direct: bool, before: i64) -> Self {
        let mut disk = Disk::new(direct);
        for _ in 0..before {
            disk.write(UserId(9), &post(None, "before"));
        }
        Self {
            disk,
            queue: VecDeque::new(),
            requests: Vec::new(),
            mailbox: VecDeque::new(),
            loading: None,
            room: None,
            generation: 0,
            slot: NEVER_TOLD,
            told: Vec::new(),
            before,
            is_dying: false,
        }
    }

    pub(super) fn told(&self) -> &[i64] {
        &self.told
    }

    pub(super) fn apply(&mut self, op: Op) {
        match op {
            Op::Post { sender, name } => {
                let number = self.requests.len();
                self.requests.push(Request {
                    sender: UserId(sender),
                    post: Arc::new(post(name, &format!("request {number}"))),
                    answer: None,
                    may_fail: false,
                });
                self.mailbox.push_back(Input::Post(number));
            }
            Op::Commit { size, fails } => self.commit(size, fails),
            Op::Step { fails } => self.step(fails),
            Op::StepAndDieTelling => {
                self.is_dying = true;
                self.step(false);
                self.is_dying = false;
            }
            Op::Die => self.die(),
            Op::Timer => self.timer(),
            Op::Open => {
                self.disk.record.open ^= true;
                self.disk.record.members_version += 1;
            }
            Op::JoinOrLeave(user) => self.disk.join_or_leave(user),
            // Where no Room was yet, nobody here was told anything either.
            Op::WriteElsewhere if self.slot == NEVER_TOLD => {}
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
            self.commit(3, false);
        }
        panic!("it never comes to rest");
    }

    pub(super) fn check(&self) {
        let told: Vec<i64> = (self.before + 1..=self.disk.record.version).collect();
        assert_eq!(self.told, told, "each once, in order, none missing");
        let mut last = HashMap::new();
        for message in &self.disk.messages {
            let Some(&writer) = self.disk.writers.get(&message.seq) else {
                continue;
            };
            let before = last.insert(message.sender.id, writer);
            assert!(before < Some(writer), "a sender's order is kept");
        }
        for (number, request) in self.requests.iter().enumerate() {
            let answer = request.answer.as_ref().expect("every request is answered");
            if answer
                .as_ref()
                .is_err_and(|problem| problem.code == Code::Unavailable)
            {
                assert!(request.may_fail, "{number} is answered for another");
            }
            self.check_answer(number, request, answer);
        }
    }

    fn check_answer(&self, number: usize, request: &Request, answer: &Result<Done, Problem>) {
        let Ok(Done::Sent(sent)) = answer else { return };
        let message = &sent.message;
        let is_writer = self.disk.writers.get(&message.seq) == Some(&number);
        assert_eq!(sent.is_new, is_writer);
        assert_eq!(message.sender.id, request.sender);
        let name = request.post.client_id.as_ref().map(ClientId::as_str);
        assert_eq!(message.client_id.as_deref(), name);
        if let Some(name) = name {
            let first = self.disk.known(request.sender, name);
            assert_eq!(first.map(|first| first.id), Some(message.id));
        } else {
            assert!(is_writer, "without a client_id nothing is a retry");
        }
    }

    fn commit(&mut self, size: usize, fails: bool) {
        let mut mine = Vec::new();
        let mut is_orphaned = false;
        for _ in 0..size {
            let Some((generation, append)) = self.queue.pop_front() else {
                break;
            };
            let outcome = if fails {
                self.requests[number(asked(&append))].may_fail = true;
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
        if !mine.is_empty() {
            self.mailbox.push_back(Input::Committed(mine));
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
            Some(Input::Post(number)) => {
                let Request { sender, post, .. } = &self.requests[number];
                let ask = Ask::Post(Arc::clone(post));
                room.state.ask(*sender, ask, number)
            }
            Some(Input::Committed(outcomes)) => room.state.committed(outcomes),
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
            self.loading = Some(self.disk.record.clone());
            return;
        };
        if self.slot == NEVER_TOLD {
            self.slot = record.version;
        }
        let version = record.version;
        let mut state = State::new(record, self.slot);
        let effects = state.catch_up(version);
        self.room = Some(Room {
            state,
            rest: VecDeque::new(),
            hold: None,
            timers: VecDeque::new(),
        });
        self.run(effects);
    }

    fn resume(&mut self, hold: Hold, fails: bool) {
        let room = self.room.as_mut().expect("held");
        let effects = match hold {
            Hold::Show => Vec::new(),
            Hold::CatchUp(_) if fails => Vec::new(),
            Hold::CatchUp(version) => room.state.catch_up(version),
            Hold::Reload(_) if fails => {
                self.requests.iter_mut().for_each(|it| it.may_fail = true);
                room.state.failed(&Problem::unavailable())
            }
            Hold::Reload(record) => room.state.reloaded(record),
            Hold::Messages(missing, ..) if fails => {
                room.timers.push_back(missing.up_to);
                room.state.not_told_after(missing.after);
                Vec::new()
            }
            Hold::Messages(missing, messages, record) => {
                room.state.caught_up(missing, messages, record)
            }
        };
        // A command to catch up that can't read has to be heard again.
        if fails && effects.is_empty() && room.timers.is_empty() && room.rest.is_empty() {
            self.mailbox.push_back(Input::CatchUp);
        }
        self.run(effects);
    }

    /// As the shell does it: in order, and what has to wait takes the rest
    /// along.
    fn run(&mut self, effects: Vec<Effect<usize>>) {
        let room = self.room.as_mut().expect("alive");
        room.rest = effects.into_iter().chain(room.rest.drain(..)).collect();
        while let Some(effect) = room.rest.pop_front() {
            room.hold = match effect {
                Effect::Submit(append) => {
                    self.queue.push_back((self.generation, append));
                    None
                }
                Effect::Tell(..) if self.is_dying => return self.die(),
                Effect::Tell(_, messages) => {
                    self.told
                        .extend(messages.iter().map(|message| message.version));
                    None
                }
                Effect::Told(version) => {
                    self.slot = version;
                    None
                }
                Effect::Removed(..) => None,
                Effect::Answer(number, answer) => {
                    let before = self.requests[number].answer.replace(answer);
                    assert!(before.is_none(), "{number} is answered twice");
                    None
                }
                Effect::Show(show) => {
                    let told = self.told.last().copied().unwrap_or(self.before);
                    assert!(
                        show.cursor <= told,
                        "nobody is given a cursor ahead of the news"
                    );
                    Some(Hold::Show)
                }
                Effect::CatchUp(missing) => {
                    let messages = self.disk.changed(missing);
                    Some(Hold::Messages(missing, messages, self.disk.record.clone()))
                }
                Effect::Reload => Some(Hold::Reload(self.disk.record.clone())),
            };
            if room.hold.is_some() {
                return;
            }
        }
    }

    /// Whoever waits is answered `busy` by the `Drop` of their reply; what
    /// the Journal said is lost.
    fn die(&mut self) {
        if self.room.take().is_none() && self.loading.take().is_none() {
            return;
        }
        let parked = self
            .mailbox
            .drain(..)
            .filter(|input| matches!(input, Input::Post(_)));
        assert!(parked.count() <= self.requests.len());
        for request in &mut self.requests {
            request.answer.get_or_insert_with(|| Err(Problem::busy()));
        }
    }

    fn timer(&mut self) {
        if let Some(room) = self.room.as_mut().filter(|room| room.hold.is_none())
            && let Some(up_to) = room.timers.pop_front()
        {
            let effects = room.state.catch_up(up_to);
            self.run(effects);
        }
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
