//! Turns committed changes into events: recipients and order.

use std::sync::Arc;

use entity::UserId;
use entity::conversation::ConversationKind;
use entity::message::MessageKind;
use entity::participant::MemberRole;

use super::RoomState;
use crate::engine::ports::UnreadNotice;
use crate::engine::room::effects::{
    AddressedEvent, CommittedChange, EditedMessages, EventBatch, EventContent, RoomEffect,
    ShowConversation, push_events, removal_reason,
};
use crate::protocol::event::{MarkerEvent, ResetReason};
use crate::protocol::{Message, ServerEvent, User};
use crate::store::append::{
    ConversationChange, CoveredAuthors, MarkerStep, MemberChange, MemberMarkerMove,
    MemberSettingsPatch, WatermarkRise,
};
use crate::store::{RoomMember, RoomRecord};

impl<R> RoomState<R> {
    /// Announces changes in the order of their versions, without a gap. If a
    /// version is missing, reads all changes from the gap on first. Skips
    /// changes that a read has already announced.
    pub(super) fn announce(
        &mut self,
        mut news: Vec<CommittedChange>,
        unread: &[(UserId, i64)],
    ) -> Vec<RoomEffect<R>> {
        news.retain(|news| news.version() > self.announced_version);
        let (Some(first), Some(last)) = (news.first(), news.last()) else {
            return Vec::new();
        };
        let (first, last) = (first.version(), last.version());
        if first != self.announced_version + 1 {
            return self.catch_up(last);
        }
        let mut effects = Vec::new();
        let mut is_deleted = false;
        for news in news {
            let version = news.version();
            match news {
                CommittedChange::Message(message, returned) => {
                    self.announce_message(message, returned, &mut effects)
                }
                CommittedChange::Change(message, change) => {
                    // A member may read and leave in one commit.
                    self.unread_counts
                        .apply_marks_before_removal(version, unread);
                    self.announce_change(message, &change, &mut effects);
                }
                CommittedChange::Edited(touched) => {
                    let mut messages = touched.messages.iter();
                    is_deleted |= messages.any(|message| message.deleted);
                    self.announce_edits(&touched, &mut effects);
                }
                CommittedChange::Settings(user, version, settings) => {
                    self.announce_settings((user, version), settings, &mut effects);
                }
                CommittedChange::Marked(_) => {}
                CommittedChange::MarksMoved(moved) => self.announce_marks(&moved, &mut effects),
                CommittedChange::WatermarksRaised(raised) => {
                    self.announce_watermarks(&raised, &mut effects)
                }
            }
            self.announced_version = version;
        }
        self.unread_counts.apply_commit(last, unread);
        self.push_unread(&mut effects);
        // `Announced` follows the recount: if the Room dies before, its
        // successor announces all these changes again.
        if is_deleted {
            self.needs_recount = true;
            effects.push(RoomEffect::Recount);
        }
        effects.push(RoomEffect::Announced(last));
        effects
    }

    /// Applies unread counts from a read. After a deletion they can't be
    /// computed from the commit.
    pub(in crate::engine::room) fn apply_recount(
        &mut self,
        record: &RoomRecord,
    ) -> Vec<RoomEffect<R>> {
        self.needs_recount = false;
        self.unread_counts.apply_record(record);
        let mut effects = Vec::new();
        self.push_unread(&mut effects);
        effects
    }

    /// Sends the unread counts that changed.
    pub(super) fn push_unread(&mut self, effects: &mut Vec<RoomEffect<R>>) {
        let conversation = self.record.id;
        let news = self.unread_counts.take_changes(&self.members);
        let unread = news.map(|(member, count)| {
            let unread = UnreadNotice {
                conversation,
                count,
                muted_until: member.muted_until,
                is_excluded: member.archived,
            };
            (member.user.id, unread)
        });
        let unread: Vec<_> = unread.collect();
        if !unread.is_empty() {
            let notes = Vec::new();
            push_events(
                effects,
                EventBatch {
                    events: notes,
                    unread,
                },
            );
        }
    }

    /// Announces an edit. If more messages quote the edited one than are sent,
    /// clients have to read the conversation again.
    fn announce_edits(&self, touched: &EditedMessages, effects: &mut Vec<RoomEffect<R>>) {
        let is_news = |version| version == touched.version;
        for seen in self.visible_events(&touched.messages, is_news) {
            push_events(effects, seen);
        }
        if touched.has_more {
            push_events(effects, self.reset_event(touched.version));
        }
    }

    /// Returns the event that makes members read the conversation again,
    /// because more messages changed than are sent.
    pub(super) fn reset_event(&self, version: i64) -> AddressedEvent {
        let event = ServerEvent::Reset {
            conversation_id: self.record.id,
            reason: ResetReason::TooFarBehind,
        };
        AddressedEvent {
            recipients: Arc::clone(&self.member_ids),
            version,
            content: EventContent::Event(event),
        }
    }

    /// Returns the users who get the conversation before the message. Before
    /// the first message of a direct conversation, only its opener has it.
    fn first_viewers(&self, message: &Message, returned: Vec<UserId>) -> Vec<UserId> {
        match (self.record.kind, message.seq) {
            (ConversationKind::Direct, 1) => self.member_ids.to_vec(),
            _ => returned,
        }
    }

    fn announce_message(
        &mut self,
        message: Arc<Message>,
        returned: Vec<UserId>,
        effects: &mut Vec<RoomEffect<R>>,
    ) {
        if message.kind == MessageKind::Text {
            self.unread_counts
                .count_message(message.version, message.sender.id);
        }
        self.typing.end_typing(message.sender.id);
        for user in &returned {
            if let Some(member) = self.members.get_mut(user) {
                member.archived = false;
            }
            self.unread_counts.mark_changed(*user);
        }
        let shown = self.first_viewers(&message, returned);
        if !shown.is_empty() {
            effects.push(RoomEffect::Announced(self.announced_version));
            effects.push(RoomEffect::Show(ShowConversation {
                recipients: shown,
                cursor: self.announced_version,
                version: message.version,
            }));
        }
        match message.reply_to {
            None => push_events(
                effects,
                AddressedEvent::of_message(&self.member_ids, message),
            ),
            Some(_) => {
                for seen in self.visible_events(&[message], |_| true) {
                    push_events(effects, seen);
                }
            }
        }
    }

    /// Announces a change of the group. Removed members get only their removal;
    /// current members get the new state, which takes a read. Earlier changes
    /// are recorded as announced before the read, since the Room may die
    /// meanwhile.
    fn announce_change(
        &mut self,
        message: Arc<Message>,
        change: &ConversationChange,
        effects: &mut Vec<RoomEffect<R>>,
    ) {
        let leavers = self.apply_moves(&message, change);
        let typists = leavers
            .iter()
            .filter_map(|(user, _)| self.typing.end_typing(*user));
        let typists: Vec<User> = typists.collect();
        for note in self.typing_events(&typists, false) {
            push_events(effects, note);
        }
        effects.push(RoomEffect::Announced(self.announced_version));
        if !leavers.is_empty() {
            effects.push(RoomEffect::SettleStatuses);
        }
        effects.push(RoomEffect::Show(ShowConversation {
            recipients: self.member_ids.to_vec(),
            cursor: self.announced_version,
            version: message.version,
        }));
        push_events(
            effects,
            AddressedEvent::of_message(&self.member_ids, Arc::clone(&message)),
        );
        for (user, unread) in leavers {
            let (notes, unread) = (Vec::new(), vec![(user, unread)]);
            push_events(
                effects,
                EventBatch {
                    events: notes,
                    unread,
                },
            );
            effects.push(RoomEffect::NotifyRemoved(
                user,
                removal_reason(user, &message),
            ));
        }
        effects.push(RoomEffect::Announced(message.version));
    }

    /// Applies a change; returns the removed members with their unread counts.
    fn apply_moves(
        &mut self,
        message: &Message,
        change: &ConversationChange,
    ) -> Vec<(UserId, UnreadNotice)> {
        let mut leavers = Vec::new();
        for moved in &change.member_changes {
            match moved {
                MemberChange::Leave(user) => {
                    self.members.remove(user);
                    let unread = UnreadNotice {
                        conversation: self.record.id,
                        count: self.unread_counts.remove_member(*user),
                        muted_until: None,
                        is_excluded: true,
                    };
                    leavers.push((*user, unread));
                }
                MemberChange::Join(user) => {
                    let member = RoomMember {
                        user: user.clone(),
                        role: MemberRole::Member,
                        is_deactivated: false,
                        joined_at: message.created_at,
                        joined_seq: message.seq - 1,
                        unread: 0,
                        muted_until: None,
                        archived: false,
                    };
                    self.members.insert(user.id, member);
                    self.unread_counts.add_member(message.version, user.id);
                }
                MemberChange::SetRole(user, role) => {
                    if let Some(member) = self.members.get_mut(user) {
                        member.role = *role;
                    }
                }
            }
        }
        if !change.member_changes.is_empty() {
            self.record.members_version += 1;
            self.member_ids = self.members.keys().copied().collect();
        }
        leavers
    }

    /// Announces a user's settings to that user alone, with the new total.
    fn announce_settings(
        &mut self,
        (user, version): (UserId, i64),
        settings: MemberSettingsPatch,
        effects: &mut Vec<RoomEffect<R>>,
    ) {
        if let Some(member) = self.members.get_mut(&user) {
            member.archived = settings.archived.unwrap_or(member.archived);
            member.muted_until = settings.muted_until.unwrap_or(member.muted_until);
        }
        self.unread_counts.mark_changed(user);
        effects.push(RoomEffect::Announced(self.announced_version));
        effects.push(RoomEffect::Show(ShowConversation {
            recipients: vec![user],
            cursor: version,
            version,
        }));
    }

    /// Sends a moved marker to the authors of the messages that it newly
    /// covers, and to the marker's user.
    fn announce_marks(&self, moved: &MemberMarkerMove, effects: &mut Vec<RoomEffect<R>>) {
        let mark = |step: &MarkerStep| MarkerEvent {
            conversation_id: self.record.id,
            message_id: step.message,
            seq: step.seq,
            user_id: moved.user.id,
            username: moved.user.username.clone(),
            at: moved.at,
            version: moved.version,
        };
        let delivered = moved.delivered.iter();
        let delivered = delivered.map(|step| (step, ServerEvent::Delivered(mark(step))));
        let read = moved.read.iter();
        let read = read.map(|step| (step, ServerEvent::ReadReceipt(mark(step))));
        for (step, event) in delivered.chain(read) {
            let note = AddressedEvent {
                recipients: self.recipients_among(&step.covers, Some(moved.user.id)),
                version: moved.version,
                content: EventContent::Event(event),
            };
            push_events(effects, note);
        }
    }

    fn announce_watermarks(&self, raised: &WatermarkRise, effects: &mut Vec<RoomEffect<R>>) {
        let event = ServerEvent::Status {
            conversation_id: self.record.id,
            all_delivered_seq: raised.delivered,
            all_read_seq: raised.read,
            at: raised.at,
        };
        let note = AddressedEvent {
            recipients: self.recipients_among(&raised.covers, None),
            version: raised.version,
            content: EventContent::Event(event),
        };
        push_events(effects, note);
    }

    /// Returns the authors and `own`, as far as they are still members.
    fn recipients_among(&self, authors: &CoveredAuthors, own: Option<UserId>) -> Arc<[UserId]> {
        match authors {
            CoveredAuthors::All => Arc::clone(&self.member_ids),
            CoveredAuthors::Users(users) => {
                let mut users: Vec<UserId> = users.iter().copied().chain(own).collect();
                users.sort_unstable();
                users.dedup();
                users.retain(|user| self.members.contains_key(user));
                users.into()
            }
        }
    }
}
