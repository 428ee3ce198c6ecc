//! The state of a Room, and the effects of its inputs. Pure: no clock, no I/O,
//! no context, so that model tests can run thousands of cases.

mod events;
mod former_members;
mod group_changes;
mod marks;
mod members;
mod pending;
#[cfg(test)]
mod tests;
mod typing;
mod unread_counts;
mod visibility;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use entity::UserId;
use entity::conversation::ConversationKind;

use super::effects::{RoomEffect, ShowConversation, VersionGap, push_events, removal_effects};
use super::rights;
use crate::protocol::{ConversationAction, GroupCommand, Problem, User};
use crate::store::append::{AppendEntry, AppendOutcome, MarkerChanges};
use crate::store::{MissedChanges, RoomRecord};
use marks::GatheredMarks;
pub(super) use members::RoomMembers;
use members::members_by_id;
use pending::{PendingCommand, PendingReplies};
use typing::TypingState;
use unread_counts::MemberUnreadCounts;

/// The state of a Room. `R` is the handle through which the caller of a command
/// gets the reply.
#[derive(Debug)]
pub(super) struct RoomState<R> {
    record: RoomRecord,
    members: RoomMembers,
    /// The members' ids, shared by events.
    member_ids: Arc<[UserId]>,
    announced_version: i64,
    /// Changes up to this version couldn't be read, and are still to be
    /// announced.
    unannounced_version: i64,
    /// Stale commands come first, then those at the Journal, then those that
    /// wait to be checked again.
    pending: VecDeque<PendingCommand<R>>,
    stale: usize,
    in_flight: usize,
    /// The `members_version` by which the appends in flight were checked.
    judged_version: i64,
    /// Whether a member archived the conversation, or is about to.
    has_archived: bool,
    /// Collected marker updates of each user.
    gathered_marks: BTreeMap<UserId, GatheredMarks<R>>,
    /// Whether the timer for `submit_due_marks` is set.
    is_gathering: bool,
    unread_counts: MemberUnreadCounts,
    /// Whether messages were deleted since the last count.
    needs_recount: bool,
    typing: TypingState,
}

impl<R> RoomState<R> {
    pub(super) fn new(record: RoomRecord, announced_version: i64) -> Self {
        let members = members_by_id(&record);
        Self {
            member_ids: members.keys().copied().collect(),
            has_archived: members.values().any(|member| member.archived),
            unread_counts: MemberUnreadCounts::new(&record),
            members,
            record,
            judged_version: 0,
            announced_version,
            unannounced_version: announced_version,
            pending: VecDeque::new(),
            stale: 0,
            in_flight: 0,
            gathered_marks: BTreeMap::new(),
            is_gathering: false,
            needs_recount: false,
            typing: TypingState::default(),
        }
    }

    /// Returns whether nothing is pending or unannounced: stopping the Room
    /// loses that state.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
            && self.gathered_marks.is_empty()
            && self.typing.is_empty()
            && !self.needs_recount
            && self.unannounced_version <= self.announced_version
    }

    /// Returns whether the unread counts have to be read again.
    pub(super) fn needs_recount(&self) -> bool {
        self.needs_recount
    }

    /// Executes a command.
    pub(super) fn execute_command(
        &mut self,
        actor: UserId,
        action: ConversationAction<GroupCommand>,
        reply: R,
    ) -> Vec<RoomEffect<R>> {
        match action {
            ConversationAction::Mark(marks) => self.gather_marks(actor, marks, reply),
            action => {
                self.has_archived |= action.archives();
                let mut effects = self.submit_marks(actor);
                effects.extend(self.enqueue(PendingCommand {
                    actor,
                    action,
                    replies: PendingReplies::One(reply),
                }));
                effects
            }
        }
    }

    fn enqueue(&mut self, pending: PendingCommand<R>) -> Vec<RoomEffect<R>> {
        let mut effects = Vec::new();
        if !self.must_wait() {
            effects.push(RoomEffect::Submit(self.build_append(&pending)));
            self.in_flight += 1;
            self.judged_version = self.record.members_version;
        }
        self.pending.push_back(pending);
        effects
    }

    /// Returns whether a new command could overtake an earlier one. The earlier
    /// one waits, or is at the Journal with an outdated check and will return
    /// stale.
    fn must_wait(&self) -> bool {
        self.pending.len() > self.in_flight
            || (self.in_flight > 0 && self.judged_version != self.record.members_version)
    }

    /// Applies a change of a direct conversation's right to write. All other
    /// changes are announced by commits.
    pub(super) fn apply_refresh(&mut self, record: RoomRecord) -> Vec<RoomEffect<R>> {
        if record.kind != ConversationKind::Direct
            || record.members_version <= self.record.members_version
        {
            return Vec::new();
        }
        self.record.members_version = record.members_version;
        self.record.open = record.open;
        self.members = members_by_id(&record);
        if record.open {
            Vec::new()
        } else {
            self.stop_all_typing()
        }
    }

    /// Applies a user's new name.
    pub(super) fn rename_user(&mut self, user: User) {
        if let Some(member) = self.members.get_mut(&user.id) {
            member.user = user;
        }
    }

    /// Applies a commit: the outcomes of the oldest appends at the Journal, and
    /// the markers that moved.
    pub(super) fn apply_commit(
        &mut self,
        outcomes: Vec<AppendOutcome>,
        marks: MarkerChanges,
    ) -> Vec<RoomEffect<R>> {
        let mut news = Vec::new();
        let mut answers = Vec::new();
        for outcome in outcomes {
            self.in_flight = self.in_flight.saturating_sub(1);
            if outcome.is_stale() {
                self.stale += 1;
                continue;
            }
            if let Some(pending) = self.pending.remove(self.stale) {
                self.answer_pending(pending, &outcome, &mut answers);
            }
            if let AppendOutcome::Written(change) = outcome {
                news.push(change);
            }
        }
        let mut effects = self.announce(news, marks);
        effects.extend(answers);
        if self.in_flight == 0 && !self.pending.is_empty() {
            effects.push(RoomEffect::Reload);
        }
        effects
    }

    /// Applies a fresh read: stale commands are checked again, then the later
    /// ones, in the order they came.
    pub(super) fn apply_reload(&mut self, record: RoomRecord) -> Vec<RoomEffect<R>> {
        let before = Arc::clone(&self.member_ids);
        self.apply_record(record);
        let mut effects = self.end_typing_for_removed(&before);
        self.stale = 0;
        self.in_flight = self.pending.len();
        self.judged_version = self.record.members_version;
        let commands = self.pending.iter();
        effects.extend(commands.map(|pending| RoomEffect::Submit(self.build_append(pending))));
        effects
    }

    /// Answers every command with the error of a failed read.
    pub(super) fn fail_pending(&mut self, problem: &Problem) -> Vec<RoomEffect<R>> {
        self.stale = 0;
        self.in_flight = 0;
        let mut effects = Vec::new();
        for pending in self.pending.drain(..) {
            pending.push_replies(&AppendOutcome::Refused(problem.clone()), &mut effects);
        }
        effects
    }

    /// Announces changes up to `version` that may not have been announced.
    pub(super) fn catch_up(&mut self, version: i64) -> Vec<RoomEffect<R>> {
        if version <= self.announced_version {
            return Vec::new();
        }
        let missing = VersionGap {
            after: self.announced_version,
            up_to: version,
        };
        self.announced_version = version;
        vec![RoomEffect::ReadMissed(missing)]
    }

    /// Announces missed changes from a fresh read: every member gets the
    /// conversation with all markers, and the messages from while they were
    /// members.
    pub(super) fn apply_missed(
        &mut self,
        missing: VersionGap,
        missed: MissedChanges,
    ) -> Vec<RoomEffect<R>> {
        let MissedChanges {
            messages,
            has_more,
            record,
            leavers,
        } = missed;
        let messages: Vec<_> = messages.into_iter().map(Arc::new).collect();
        let up_to = record.version;
        self.apply_record(record);
        let mut effects = Vec::new();
        if !leavers.is_empty() {
            effects.push(RoomEffect::SettleStatuses);
        }
        effects.push(RoomEffect::Show(ShowConversation {
            recipients: self.listed_members(),
            cursor: missing.after,
            version: up_to,
        }));
        let seen = self.visible_events(&messages, |version| version > missing.after);
        push_events(&mut effects, seen);
        push_events(&mut effects, has_more.then(|| self.reset_event(up_to)));
        self.unread_counts.mark_all_changed();
        self.announce_unread(&mut effects);
        let leavers = leavers.iter();
        effects.extend(leavers.flat_map(|it| removal_effects(self.record.id, it, &messages)));
        self.announced_version = up_to;
        effects.push(RoomEffect::Announced(up_to));
        effects
    }

    /// Returns the members whose list has the conversation. A direct
    /// conversation without messages is only in its opener's list.
    fn listed_members(&self) -> Vec<UserId> {
        match (self.record.kind, self.record.last_seq) {
            (ConversationKind::Direct, 0) => vec![self.record.opened_by],
            _ => self.member_ids.to_vec(),
        }
    }

    /// Restores the announced version after the read of
    /// [`RoomEffect::ReadMissed`] failed.
    pub(super) fn mark_unannounced(&mut self, version: i64) {
        self.unannounced_version = self.unannounced_version.max(self.announced_version);
        self.announced_version = self.announced_version.min(version);
    }

    fn apply_record(&mut self, record: RoomRecord) {
        self.members = members_by_id(&record);
        self.member_ids = self.members.keys().copied().collect();
        self.unread_counts.apply_record(&record);
        self.unread_counts.retain_members(&self.members);
        self.record = record;
        // The read doesn't include pending appends.
        let mut commands = self.pending.iter();
        self.has_archived = commands.any(|pending| pending.action.archives())
            || self.members.values().any(|member| member.archived);
    }

    fn build_append(&self, pending: &PendingCommand<R>) -> AppendEntry {
        let actor = pending.actor;
        let (record, members) = (&self.record, &self.members);
        let (action, verdict) = rights::judge_action(record, members, actor, &pending.action);
        AppendEntry {
            conversation: record.id,
            members_version: record.members_version,
            verdict,
            actor: self.user_card(actor),
            action,
            may_moderate: rights::may_moderate(record, members, actor),
            has_others: members.len() > 1,
            has_archived: self.has_archived,
        }
    }
}
