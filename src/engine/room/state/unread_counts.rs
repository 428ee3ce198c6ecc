//! The members' unread counts, kept up to date by commits. Each message adds
//! one for all but its sender; for users whose marks moved, the commit has the
//! new count.

use std::collections::BTreeMap;

use entity::UserId;

use crate::store::{RoomMember, RoomRecord};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct MemberUnread {
    now: i64,
    /// The count that clients have; none if it has to be sent again.
    announced: Option<i64>,
}

/// The counts of all members.
#[derive(Debug, Default)]
pub(super) struct MemberUnreadCounts {
    /// Changes up to this version are included.
    as_of: i64,
    members: BTreeMap<UserId, MemberUnread>,
}

impl MemberUnreadCounts {
    /// Returns the initial counts, which clients already have.
    pub(super) fn new(record: &RoomRecord) -> Self {
        let people = record.members.iter().map(|member| {
            let count = MemberUnread {
                now: member.unread,
                announced: Some(member.unread),
            };
            (member.user.id, count)
        });
        Self {
            as_of: record.version,
            members: people.collect(),
        }
    }

    /// Applies counts from a fresh read.
    pub(super) fn apply_record(&mut self, record: &RoomRecord) {
        self.as_of = record.version;
        for member in &record.members {
            self.members.entry(member.user.id).or_default().now = member.unread;
        }
    }

    /// Counts a text message: one more for each member but its sender, whose
    /// count becomes 0. Clients count the message themselves; counts that may
    /// differ from theirs are sent again.
    pub(super) fn count_message(&mut self, version: i64, sender: UserId) {
        let is_counted = version <= self.as_of;
        for (user, count) in &mut self.members {
            let is_own = *user == sender;
            if !is_counted {
                count.now = if is_own { 0 } else { count.now + 1 };
            }
            if is_counted || !is_own {
                count.announced = None;
            }
        }
    }

    /// Applies the counts of users whose marks moved in the commit that ends
    /// with `version`, after `count_message` for its messages.
    pub(super) fn apply_commit(&mut self, version: i64, moved: &[(UserId, i64)]) {
        if version <= self.as_of {
            return;
        }
        self.as_of = version;
        for (user, now) in moved {
            if let Some(count) = self.members.get_mut(user) {
                count.now = *now;
            }
        }
    }

    /// Adds a member who joined in `version`, unless a later read includes the
    /// member.
    pub(super) fn add_member(&mut self, version: i64, user: UserId) {
        if version > self.as_of {
            let announced = Some(0);
            self.members
                .insert(user, MemberUnread { now: 0, announced });
        }
    }

    /// Applies the marks that moved in a commit, before the removal of a member
    /// in the same commit.
    pub(super) fn apply_marks_before_removal(&mut self, version: i64, moved: &[(UserId, i64)]) {
        if version <= self.as_of {
            return;
        }
        for (user, now) in moved {
            if let Some(count) = self.members.get_mut(user) {
                count.now = *now;
            }
        }
    }

    /// Removes a member; returns their count.
    pub(super) fn remove_member(&mut self, user: UserId) -> i64 {
        self.members.remove(&user).map_or(0, |count| count.now)
    }

    /// Marks a member's count as changed, so that it is sent again.
    pub(super) fn mark_changed(&mut self, user: UserId) {
        if let Some(count) = self.members.get_mut(&user) {
            count.announced = None;
        }
    }

    pub(super) fn mark_all_changed(&mut self) {
        for count in self.members.values_mut() {
            count.announced = None;
        }
    }

    /// Returns the members whose count has to be sent, with the count. A read
    /// may have counts of users who aren't in `members` yet: these are skipped.
    pub(super) fn take_changes<'a>(
        &mut self,
        members: &'a BTreeMap<UserId, RoomMember>,
    ) -> impl Iterator<Item = (&'a RoomMember, i64)> {
        let people = self.members.iter_mut();
        people.filter_map(|(user, count)| {
            let member = members.get(user)?;
            let is_news = count.announced != Some(count.now);
            count.announced = Some(count.now);
            is_news.then_some((member, count.now))
        })
    }

    /// Removes the counts of users who aren't members.
    pub(super) fn retain_members(&mut self, members: &BTreeMap<UserId, RoomMember>) {
        self.members.retain(|user, _| members.contains_key(user));
    }
}
