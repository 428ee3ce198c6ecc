//! Announces changes of the group, and applies them to the members.

use std::sync::Arc;

use entity::UserId;
use entity::participant::MemberRole;

use super::RoomState;
use crate::engine::ports::UnreadNotice;
use crate::engine::room::effects::{
    AddressedEvent, RoomEffect, ShowConversation, push_events, push_unread, removal_reason,
};
use crate::protocol::{Message, User};
use crate::store::RoomMember;
use crate::store::append::ConversationChange;

impl<R> RoomState<R> {
    /// Announces a change of the group. Removed members get only their removal;
    /// current members get the new state, which takes a read. Earlier changes
    /// are recorded as announced before the read, since the Room may die
    /// meanwhile.
    pub(super) fn announce_group_change(
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
        push_events(effects, self.typing_events(&typists, false));
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
            [AddressedEvent::of_message(
                &self.member_ids,
                Arc::clone(&message),
            )],
        );
        for (user, unread) in leavers {
            push_unread(effects, [(user, unread)]);
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
        for user in &change.joined {
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
        let mut leavers = Vec::new();
        for user in &change.left {
            self.members.remove(user);
            let unread = UnreadNotice {
                conversation: self.record.id,
                count: self.unread_counts.remove_member(*user),
                muted_until: None,
                is_excluded: true,
            };
            leavers.push((*user, unread));
        }
        for (user, role) in &change.roles {
            if let Some(member) = self.members.get_mut(user) {
                member.role = *role;
            }
        }
        if change.has_member_changes() {
            self.record.members_version += 1;
            self.member_ids = self.members.keys().copied().collect();
        }
        leavers
    }
}
