//! A Room's shell, as a model: it does what follows, in order, and what has to
//! wait holds the mailbox.

use std::collections::VecDeque;

use super::world::{Input, World};
use crate::engine::reply::Done;
use crate::engine::room::state::*;

/// A read that holds the Room's mailbox, with what it found.
pub(super) enum Hold {
    Reload(RoomRecord),
    Messages(Missing, Missed),
    CatchUp(i64),
    Refresh(RoomRecord),
    Show(Show),
    Recount(RoomRecord),
}

pub(super) struct Room {
    pub(super) state: State<usize>,
    pub(super) rest: VecDeque<Effect<usize>>,
    pub(super) hold: Option<Hold>,
    pub(super) timers: VecDeque<i64>,
    pub(super) is_gathering: bool,
    pub(super) wakes_at: Vec<Instant>,
}

impl Room {
    pub(super) fn new(state: State<usize>) -> Self {
        Self {
            state,
            rest: VecDeque::new(),
            hold: None,
            timers: VecDeque::new(),
            is_gathering: false,
            wakes_at: Vec::new(),
        }
    }
}

impl World {
    pub(super) fn resume(&mut self, hold: Hold, fails: bool) {
        let room = self.room.as_mut().expect("held");
        let effects = match hold {
            Hold::Show(show) => {
                self.knows.shown(&show, &self.disk);
                Vec::new()
            }
            Hold::Recount(_) if fails => {
                room.hold = Some(Hold::Recount(self.disk.record()));
                return;
            }
            Hold::Recount(record) => room.state.recounted(&record),
            Hold::Refresh(_) if fails => return,
            Hold::Refresh(record) => room.state.refreshed(record),
            Hold::CatchUp(_) if fails => Vec::new(),
            Hold::CatchUp(version) => room.state.catch_up(version),
            Hold::Reload(_) if fails => room.state.failed(&Problem::unavailable()),
            Hold::Reload(record) => room.state.reloaded(record),
            Hold::Messages(missing, ..) if fails => {
                room.timers.push_back(missing.up_to);
                room.state.not_told_after(missing.after);
                Vec::new()
            }
            Hold::Messages(missing, missed) => {
                let (after, up_to) = (missing.after, missed.record.version);
                self.told.read(Missing { after, up_to });
                room.state.caught_up(missing, missed)
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
    pub(super) fn run(&mut self, effects: Vec<Effect<usize>>) {
        let room = self.room.as_mut().expect("alive");
        room.rest = effects.into_iter().chain(room.rest.drain(..)).collect();
        while let Some(effect) = room.rest.pop_front() {
            room.hold = match effect {
                Effect::Submit(append) => {
                    self.queue.push_back((self.generation, append));
                    None
                }
                Effect::Tell(_) if self.is_dying => return self.die(),
                Effect::Tell(telling) => {
                    self.told.all(&telling);
                    self.knows.told(&telling);
                    None
                }
                Effect::GatherMarks => {
                    assert!(!room.is_gathering, "one timer is enough");
                    room.is_gathering = true;
                    None
                }
                Effect::WakeAt(then) => {
                    assert!(room.wakes_at.is_empty(), "one timer is enough");
                    room.wakes_at.push(then);
                    None
                }
                Effect::Told(version) => {
                    self.slot = version;
                    None
                }
                // Nobody comes or goes here but by the Room.
                Effect::SettleStatuses => None,
                Effect::Removed(user, _) => {
                    self.told.removed(user);
                    self.knows.removed(user);
                    None
                }
                Effect::Answer(number, answer) => {
                    self.requests.answer(number, answer);
                    None
                }
                Effect::AnswerOutsider(number, change) => {
                    let done = Done::Sent(change.seen_as(None));
                    self.requests.answer(number, Ok(done));
                    None
                }
                Effect::Show(show) => {
                    self.told.check_cursor(&show, &self.disk, self.before);
                    Some(Hold::Show(show))
                }
                Effect::CatchUp(missing) => {
                    Some(Hold::Messages(missing, self.disk.missed(missing.after)))
                }
                Effect::Reload => Some(Hold::Reload(self.disk.record())),
                Effect::Recount => Some(Hold::Recount(self.disk.record())),
            };
            if room.hold.is_some() {
                return;
            }
        }
    }

    pub(super) fn marks_due(&mut self) {
        if let Some(room) = self.room.as_mut().filter(|room| room.hold.is_none())
            && room.is_gathering
        {
            room.is_gathering = false;
            let effects = room.state.marks_due();
            self.run(effects);
        }
    }

    pub(super) fn wake(&mut self) {
        let now = self.now;
        if let Some(room) = self.room.as_mut().filter(|room| room.hold.is_none())
            && room.wakes_at.iter().any(|then| *then <= now)
        {
            room.wakes_at.retain(|then| *then > now);
            let effects = room.state.typing_due(now);
            self.run(effects);
        }
    }

    pub(super) fn timer(&mut self) {
        if let Some(room) = self.room.as_mut().filter(|room| room.hold.is_none())
            && let Some(up_to) = room.timers.pop_front()
        {
            let effects = room.state.catch_up(up_to);
            self.run(effects);
        }
    }
}
