//! The members of a Room, by user.

use std::collections::BTreeMap;

use entity::UserId;

use super::RoomState;
use crate::protocol::User;
use crate::store::{RoomMember, RoomRecord};

/// The members by user.
pub(in crate::engine::room) type RoomMembers = BTreeMap<UserId, RoomMember>;

impl<R> RoomState<R> {
    /// Returns a member's name. For a user who is no member it is empty, and
    /// never shown.
    pub(super) fn user_card(&self, user: UserId) -> User {
        self.members.get(&user).map_or_else(
            || User {
                id: user,
                username: String::new(),
                display_name: String::new(),
            },
            |member| member.user.clone(),
        )
    }
}

pub(super) fn members_by_id(record: &RoomRecord) -> RoomMembers {
    let members = record.members.iter().cloned();
    members.map(|member| (member.user.id, member)).collect()
}
