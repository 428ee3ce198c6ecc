//! A model of a Room's actor: it runs effects in order, and a read holds the
//! mailbox.

use std::collections::VecDeque;

use super::world::{MailboxInput, RoomWorld};
use crate::engine::room::state::*;
use tokio::time::Instant;

/// A read that holds the Room's mailbox, with its result.
pub(super) enum HeldRead {
    Reload(RoomRecord),
    Missed(VersionGap, MissedChanges),
    CatchUp(i64),
    Refresh(RoomRecord),
    Show(ShowConversation),
    Recount(RoomRecord),
}

pub(super) struct RoomShell {
    pub(super) state: RoomState<usize>,
    pub(super) rest: VecDeque<RoomEffect<usize>>,
    pub(super) hold: Option<HeldRead>,
    pub(super) timers: VecDeque<i64>,
    pub(super) is_gathering: bool,
    pub(super) wakes_at: Vec<Instant>,
}

impl RoomShell {
    pub(super) fn new(state: RoomState<usize>) -> Self {
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

impl RoomShell {
    fn start_gathering(&mut self) {
        assert!(!self.is_gathering, "one timer is enough");
        self.is_gathering = true;
    }
}

impl RoomWorld {
    pub(super) fn resume(&mut self, hold: HeldRead, fails: bool) {
        let room = self.room.as_mut().expect("held");
        let effects = match hold {
            HeldRead::Show(show) => {
                self.knowledge.apply_view(&show, &self.disk);
                Vec::new()
            }
            HeldRead::Recount(_) if fails => {
                room.hold = Some(HeldRead::Recount(self.disk.record()));
                return;
            }
            HeldRead::Recount(record) => room.state.apply_recount(&record),
            HeldRead::Refresh(_) if fails => return,
            HeldRead::Refresh(record) => room.state.apply_refresh(record),
            HeldRead::CatchUp(_) if fails => Vec::new(),
            HeldRead::CatchUp(version) => room.state.catch_up(version),
            HeldRead::Reload(_) if fails => room.state.fail_pending(&Problem::unavailable()),
            HeldRead::Reload(record) => room.state.apply_reload(record),
            HeldRead::Missed(missing, ..) if fails => {
                room.timers.push_back(missing.up_to);
                room.state.mark_unannounced(missing.after);
                Vec::new()
            }
            HeldRead::Missed(missing, missed) => {
                let (after, up_to) = (missing.after, missed.record.version);
                self.delivery_log.log_reading(VersionGap { after, up_to });
                room.state.apply_missed(missing, missed)
            }
        };
        // A catch-up whose read fails is retried.
        if fails && effects.is_empty() && room.timers.is_empty() && room.rest.is_empty() {
            self.mailbox.push_back(MailboxInput::CatchUp);
        }
        self.run_effects(effects);
    }

    /// Runs effects as the actor does: in order; after a read, the remaining
    /// ones follow.
    pub(super) fn run_effects(&mut self, effects: Vec<RoomEffect<usize>>) {
        let room = self.room.as_mut().expect("alive");
        room.rest = effects.into_iter().chain(room.rest.drain(..)).collect();
        while let Some(effect) = room.rest.pop_front() {
            room.hold = match effect {
                RoomEffect::Submit(append) => {
                    self.queue.push_back((self.generation, append));
                    None
                }
                RoomEffect::Deliver { .. } if self.is_dying => return self.die(),
                RoomEffect::Deliver { events, unread } => {
                    self.delivery_log.log_events(&events);
                    self.knowledge.apply_delivery(&events, &unread);
                    None
                }
                RoomEffect::GatherMarks => {
                    room.start_gathering();
                    None
                }
                RoomEffect::WakeAt(then) => {
                    assert!(room.wakes_at.is_empty(), "one timer is enough");
                    room.wakes_at.push(then);
                    None
                }
                RoomEffect::Announced(version) => {
                    self.slot = version;
                    None
                }
                // Members only change through the Room here.
                RoomEffect::SettleStatuses => None,
                RoomEffect::NotifyRemoved(user, _) => {
                    self.delivery_log.log_removal(user);
                    self.knowledge.apply_removal(user);
                    None
                }
                RoomEffect::Reply(number, outcome) => {
                    self.requests.answer(number, outcome);
                    None
                }
                RoomEffect::RefuseNonmember(_, number) => {
                    self.requests.refuse(number);
                    None
                }
                RoomEffect::ReplyToFormerMember(former) => {
                    self.requests.answer_former(&former);
                    None
                }
                RoomEffect::Show(show) => {
                    self.delivery_log
                        .check_cursor(&show, &self.disk, self.initial_messages);
                    Some(HeldRead::Show(show))
                }
                RoomEffect::ReadMissed(missing) => {
                    Some(HeldRead::Missed(missing, self.disk.missed(missing.after)))
                }
                RoomEffect::Reload => Some(HeldRead::Reload(self.disk.record())),
                RoomEffect::Recount => Some(HeldRead::Recount(self.disk.record())),
            };
            if room.hold.is_some() {
                return;
            }
        }
    }

    pub(super) fn fire_marks_timer(&mut self) {
        if let Some(room) = self.room.as_mut().filter(|room| room.hold.is_none())
            && room.is_gathering
        {
            room.is_gathering = false;
            let effects = room.state.submit_due_marks();
            self.run_effects(effects);
        }
    }

    pub(super) fn fire_typing_timer(&mut self) {
        let now = self.now;
        if let Some(room) = self.room.as_mut().filter(|room| room.hold.is_none())
            && room.wakes_at.iter().any(|then| *then <= now)
        {
            room.wakes_at.retain(|then| *then > now);
            let effects = room.state.expire_typing(now);
            self.run_effects(effects);
        }
    }

    pub(super) fn fire_retry_timer(&mut self) {
        if let Some(room) = self.room.as_mut().filter(|room| room.hold.is_none())
            && let Some(up_to) = room.timers.pop_front()
        {
            let effects = room.state.catch_up(up_to);
            self.run_effects(effects);
        }
    }
}
