//! The model of a Room's surroundings.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use entity::participant::MemberRole;
use entity::{MessageId, receipt};
use tokio::time::Instant;

use super::delivery_log::DeliveryLog;
use super::disk::{DiskModel, post, user};
use super::knowledge::ClientKnowledge;
use super::requests::{CommandLog, ModelCommand};
use super::shell::{HeldRead, RoomShell};
use crate::engine::room::NEVER_ANNOUNCED;
use crate::engine::room::messages::TypingReport;
use crate::engine::room::state::*;
use crate::protocol::{GroupTitle, MemberSettingsPatch};
use crate::store::RoomMember;

/// An operation on the model.
#[derive(Clone, Copy, Debug)]
pub(super) enum RoomOp {
    /// A user posts; the `client_id` is one of few, so that there are retries.
    Post {
        sender: i64,
        name: Option<u8>,
    },
    /// A user confirms or reads one of the newest messages.
    Mark {
        actor: i64,
        kind: receipt::ReceiptKind,
        back: i64,
    },
    /// The time for collecting marker updates is over.
    MarksDue,
    /// A user types in one of two sessions, or stops.
    Type {
        actor: i64,
        session: u64,
        is_typing: bool,
    },
    /// Time passes.
    Seconds(u64),
    /// A user changes the group, or their own settings.
    Change {
        actor: i64,
        what: GroupOp,
    },
    /// The Journal commits the first appends of its queue, or its database
    /// fails.
    Commit {
        size: usize,
        fails: bool,
    },
    /// The Room takes its next step; if that is a read, it may fail.
    Step {
        fails: bool,
    },
    /// The Room takes a step, but dies if it would deliver events.
    StepAndDieAnnouncing,
    /// The Room dies between two steps.
    Die,
    /// The Room's timer retries a failed read.
    Timer,
    /// The right to write is granted or removed.
    Open {
        /// Whether the Room gets a refresh command.
        is_announced: bool,
    },
    JoinOrLeave(i64),
    /// Another node writes a message, and announces that.
    WriteElsewhere,
    /// The Hub stops the Room, if it has no unanswered command.
    Retire,
}

/// A command of a member to a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum GroupOp {
    Rename,
    Invite(i64),
    Remove(i64),
    Leave,
    SetRole(i64, MemberRole),
    Archive,
}

pub(super) enum MailboxInput {
    Ask(usize),
    Committed(Vec<AppendOutcome>, MarkerChanges),
    CatchUp,
    Refresh,
}

pub(super) struct RoomWorld {
    pub(super) disk: DiskModel,
    /// Appends that wait for the Journal, each with the generation of the Room
    /// that sent it.
    pub(super) queue: VecDeque<(u32, AppendEntry)>,
    pub(super) requests: CommandLog,
    pub(super) mailbox: VecDeque<MailboxInput>,
    pub(super) loading: Option<RoomRecord>,
    pub(super) room: Option<RoomShell>,
    pub(super) generation: u32,
    pub(super) slot: i64,
    pub(super) delivery_log: DeliveryLog,
    pub(super) knowledge: ClientKnowledge,
    pub(super) now: Instant,
    pub(super) initial_messages: i64,
    pub(super) is_dying: bool,
}

impl RoomWorld {
    pub(super) fn new(direct: bool, initial_messages: i64) -> Self {
        let mut disk = DiskModel::new(direct);
        for _ in 0..initial_messages {
            disk.write(UserId(9), &post(None, "before"));
        }
        let disk_record = disk.record();
        Self {
            disk,
            queue: VecDeque::new(),
            requests: CommandLog::default(),
            mailbox: VecDeque::new(),
            loading: None,
            room: None,
            generation: 0,
            slot: NEVER_ANNOUNCED,
            delivery_log: DeliveryLog::default(),
            knowledge: ClientKnowledge::new(&disk_record),
            now: Instant::now(),
            initial_messages,
            is_dying: false,
        }
    }

    /// Returns the versions that the first user got.
    pub(super) fn first_user_versions(&self) -> Vec<i64> {
        self.delivery_log.versions(UserId(1))
    }

    fn execute(&mut self, actor: i64, action: ConversationAction<GroupCommand>) {
        self.ask(actor, ModelCommand::Execute(action));
    }

    fn ask(&mut self, actor: i64, ask: ModelCommand) {
        let number = self.requests.add(UserId(actor), ask);
        self.mailbox.push_back(MailboxInput::Ask(number));
    }

    pub(super) fn apply(&mut self, op: RoomOp) {
        match op {
            RoomOp::Post { sender, name } => {
                let text = format!("request {}", self.requests.count());
                self.execute(
                    sender,
                    ConversationAction::Send(Arc::new(post(name, &text))),
                );
            }
            RoomOp::Mark { actor, kind, back } => {
                let message = MessageId(self.disk.messages.len() as i64 - back);
                self.execute(actor, ConversationAction::mark(kind, message));
            }
            RoomOp::MarksDue => self.fire_marks_timer(),
            RoomOp::Type {
                actor,
                session,
                is_typing,
            } => {
                let report = TypingReport {
                    user: UserId(actor),
                    session,
                    is_typing,
                };
                self.ask(actor, ModelCommand::Type(report));
            }
            RoomOp::Seconds(seconds) => {
                self.now += Duration::from_secs(seconds);
                self.fire_typing_timer();
            }
            RoomOp::Change { actor, what } => self.execute(actor, what.into_command()),
            RoomOp::Commit { size, fails } => self.commit(size, fails),
            RoomOp::Step { fails } => self.step(fails),
            RoomOp::StepAndDieAnnouncing => {
                self.is_dying = true;
                self.step(false);
                self.is_dying = false;
            }
            RoomOp::Die => self.die(),
            RoomOp::Timer => self.fire_retry_timer(),
            RoomOp::Open { is_announced } => {
                if is_announced {
                    self.mailbox.push_back(MailboxInput::Refresh);
                }
                self.disk.record.open ^= true;
                self.disk.record.members_version += 1;
            }
            // Before the first Room, no client here has any state.
            RoomOp::JoinOrLeave(_) | RoomOp::WriteElsewhere if self.slot == NEVER_ANNOUNCED => {}
            RoomOp::JoinOrLeave(user) => {
                self.disk.join_or_leave(user);
                self.mailbox.push_back(MailboxInput::CatchUp);
            }
            RoomOp::WriteElsewhere => {
                self.disk.write(UserId(9), &post(None, "elsewhere"));
                self.mailbox.push_back(MailboxInput::CatchUp);
            }
            RoomOp::Retire => self.retire(),
        }
    }

    /// Runs everything under way to its end.
    pub(super) fn settle(&mut self) {
        self.mailbox.push_back(MailboxInput::CatchUp);
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
            self.fire_retry_timer();
            self.fire_marks_timer();
            self.now += Duration::from_secs(1);
            self.fire_typing_timer();
            self.commit(3, false);
        }
        panic!("the model never settles");
    }

    pub(super) fn check(&self) {
        self.delivery_log.check(&self.disk, self.initial_messages);
        self.knowledge.check(&self.disk);
        let room = self.room.as_ref().expect("settled");
        let members = room.state.members.values().cloned();
        // The Room keeps unread counts separately.
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
                AppendOutcome::Refused(Problem::unavailable())
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
            self.mailbox.push_back(MailboxInput::Committed(mine, moved));
        }
        if is_orphaned {
            self.mailbox.push_back(MailboxInput::CatchUp);
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
            Some(MailboxInput::Ask(number)) => {
                let (actor, ask) = self.requests.command_of(number);
                match ask {
                    ModelCommand::Execute(action) => {
                        room.state.execute_command(actor, action, number)
                    }
                    ModelCommand::Type(report) => room.state.set_typing(report, self.now, number),
                }
            }
            Some(MailboxInput::Committed(outcomes, moved)) => {
                room.state.apply_commit(outcomes, moved)
            }
            Some(MailboxInput::Refresh) => {
                room.hold = Some(HeldRead::Refresh(self.disk.record()));
                return;
            }
            Some(MailboxInput::CatchUp) => {
                room.hold = Some(HeldRead::CatchUp(self.disk.record.version));
                return;
            }
        };
        self.run_effects(effects);
    }

    /// The Hub starts a Room; its first read may be outdated once it runs.
    fn start(&mut self) {
        let Some(record) = self.loading.take() else {
            self.generation += 1;
            self.loading = Some(self.disk.record());
            return;
        };
        if self.slot == NEVER_ANNOUNCED {
            self.slot = record.version;
        }
        let version = record.version;
        let mut state = RoomState::new(record, self.slot);
        let effects = state.catch_up(version);
        self.room = Some(RoomShell::new(state));
        self.run_effects(effects);
    }

    /// The Room dies: dropped replies answer `busy`, and commits in the mailbox
    /// are lost.
    pub(super) fn die(&mut self) {
        if self.room.take().is_none() && self.loading.take().is_none() {
            return;
        }
        let parked = self
            .mailbox
            .drain(..)
            .filter(|input| matches!(input, MailboxInput::Ask(_)));
        assert!(parked.count() <= self.requests.count());
        self.knowledge.clear_typing();
        self.requests.answer_rest_busy();
    }

    /// The Hub stops an idle Room. The Journal always commits before a Room
    /// becomes idle.
    fn retire(&mut self) {
        let is_idle = self.mailbox.is_empty()
            && self.queue.is_empty()
            && self
                .room
                .as_ref()
                .is_some_and(|room| room.hold.is_none() && room.state.is_idle());
        if is_idle {
            self.room = None;
            self.slot = NEVER_ANNOUNCED;
        }
    }
}

impl GroupOp {
    fn into_command(self) -> ConversationAction<GroupCommand> {
        let command = match self {
            Self::Rename => GroupCommand::Rename(GroupTitle::parse("New").unwrap()),
            Self::Invite(id) => GroupCommand::Invite {
                user: user(id),
                is_agreed: false,
            },
            Self::Remove(id) => GroupCommand::Remove(UserId(id)),
            Self::Leave => GroupCommand::Leave,
            Self::SetRole(id, role) => GroupCommand::SetRole(UserId(id), role),
            Self::Archive => {
                return ConversationAction::UpdateSettings(MemberSettingsPatch {
                    archived: Some(true),
                    ..MemberSettingsPatch::default()
                });
            }
        };
        ConversationAction::ChangeGroup(command)
    }
}
