//! Turns committed changes into events: recipients and order.

use std::sync::Arc;

use entity::UserId;
use entity::conversation::ConversationKind;
use entity::message::MessageKind;

use super::RoomState;
use crate::engine::ports::UnreadNotice;
use crate::engine::room::effects::{
    AddressedEvent, RoomEffect, ShowConversation, push_events, push_unread,
};
use crate::protocol::event::{MarkerEvent, ResetReason};
use crate::protocol::{MemberSettingsPatch, Message, ServerEvent};
use crate::store::RoomRecord;
use crate::store::append::{
    CommittedChange, CoveredAuthors, MarkerChanges, MarkerStep, MemberMarkerMove, WatermarkRise,
};

impl<R> RoomState<R> {
    /// Announces changes in the order of their versions, without a gap. If a
    /// version is missing, reads all changes from the gap on first. Skips
    /// changes that a read has already announced.
    pub(super) fn announce(
        &mut self,
        changes: Vec<CommittedChange>,
        marks: MarkerChanges,
    ) -> Vec<RoomEffect<R>> {
        let unread = &marks.unread;
        let mut changes = merge_marks(changes, marks.moved, marks.raised);
        changes.retain(|change| change.version() > self.announced_version);
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
            return Vec::new();
        };
        let (first, last) = (first.version(), last.version());
        if first != self.announced_version + 1 {
            return self.catch_up(last);
        }
        let mut effects = Vec::new();
        let mut has_deleted = false;
        for change in changes {
            let version = change.version();
            has_deleted |=
                matches!(&change, CommittedChange::Edited { message, .. } if message.deleted);
            self.announce_change(change, unread, &mut effects);
            self.announced_version = version;
        }
        self.unread_counts.apply_commit(last, unread);
        self.announce_unread(&mut effects);
        // `Announced` follows the recount: if the Room dies before, its
        // successor announces all these changes again.
        if has_deleted {
            self.needs_recount = true;
            effects.push(RoomEffect::Recount);
        }
        effects.push(RoomEffect::Announced(last));
        effects
    }

    fn announce_change(
        &mut self,
        change: CommittedChange,
        unread: &[(UserId, i64)],
        effects: &mut Vec<RoomEffect<R>>,
    ) {
        match change {
            CommittedChange::Posted { message, returned } => {
                self.announce_message(message, returned, effects);
            }
            CommittedChange::Changed { message, change } => {
                // A member may read and leave in one commit.
                self.unread_counts
                    .apply_marks_before_removal(message.version, unread);
                self.announce_group_change(message, &change, effects);
            }
            CommittedChange::Edited {
                version,
                message,
                mut quoting,
                has_more,
            } => {
                quoting.insert(0, message);
                push_events(effects, self.edit_events(version, quoting, has_more));
            }
            CommittedChange::SettingsChanged {
                user,
                version,
                settings,
            } => effects.extend(self.announce_settings(user, version, settings)),
            // The moves follow as changes of their own.
            CommittedChange::Marked { .. } => {}
            CommittedChange::MarkerMoved(moved) => self.announce_marks(&moved, effects),
            CommittedChange::WatermarksRaised(raised) => {
                self.announce_watermarks(&raised, effects);
            }
        }
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
        self.announce_unread(&mut effects);
        effects
    }

    /// Sends the unread counts that changed.
    pub(super) fn announce_unread(&mut self, effects: &mut Vec<RoomEffect<R>>) {
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
        push_unread(effects, unread);
    }

    /// Returns the events of an edit: the message, and those that quote it. If
    /// more messages quote it than are sent, clients have to read the
    /// conversation again.
    fn edit_events(
        &self,
        version: i64,
        mut messages: Vec<Arc<Message>>,
        has_more: bool,
    ) -> Vec<AddressedEvent> {
        // The messages are as of the end of the batch. One that was edited
        // again in the batch is sent with its last version: otherwise a
        // client's cursor would be ahead of the changes in between. Members
        // that don't see the quoted original get a reply with its own version.
        messages.retain(|it| it.version == version || it.own_version == version);
        let mut events = self.visible_events(&messages, |changed| changed == version);
        events.extend(has_more.then(|| self.reset_event(version)));
        events
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
            event,
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
                [AddressedEvent::of_message(&self.member_ids, message)],
            ),
            Some(_) => push_events(effects, self.visible_events(&[message], |_| true)),
        }
    }

    /// Announces a user's settings to that user alone, with the new total.
    fn announce_settings(
        &mut self,
        user: UserId,
        version: i64,
        settings: MemberSettingsPatch,
    ) -> [RoomEffect<R>; 2] {
        if let Some(member) = self.members.get_mut(&user) {
            member.archived = settings.archived.unwrap_or(member.archived);
            member.muted_until = settings.muted_until.unwrap_or(member.muted_until);
        }
        self.unread_counts.mark_changed(user);
        let show = ShowConversation {
            recipients: vec![user],
            cursor: version,
            version,
        };
        [
            RoomEffect::Announced(self.announced_version),
            RoomEffect::Show(show),
        ]
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
                event,
            };
            push_events(effects, [note]);
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
            event,
        };
        push_events(effects, [note]);
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

/// Adds the moves of markers to the changes, in the order of versions. Markers
/// that a message moved follow the message. Markers that a dead predecessor
/// moved in this batch are read with its other changes.
fn merge_marks(
    mut changes: Vec<CommittedChange>,
    moved: Vec<MemberMarkerMove>,
    raised: Option<WatermarkRise>,
) -> Vec<CommittedChange> {
    if let Some(first) = changes.first().map(CommittedChange::version) {
        let moved = moved.into_iter().filter(|moved| moved.version >= first);
        changes.extend(moved.map(CommittedChange::MarkerMoved));
        changes.extend(raised.map(CommittedChange::WatermarksRaised));
        changes.sort_by_key(CommittedChange::version);
    }
    changes
}
