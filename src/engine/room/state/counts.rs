//! How many messages wait for each, kept as they come: what a commit did to
//! everybody else is one more for each message; for those whose marks moved,
//! the commit says it.

use std::collections::BTreeMap;

use entity::UserId;

use crate::store::{RoomMember, RoomRecord};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    now: i64,
    /// What they were told, where they were told something.
    told: Option<i64>,
}

/// Everybody's.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// They are as of this version: what came up to it is in them.
    as_of: i64,
    people: BTreeMap<UserId, Count>,
}

impl Counts {
    /// At the start, everybody knows.
    pub(super) fn new(record: &RoomRecord) -> Self {
        let people = record.members.iter().map(|member| {
            let count = Count {
                now: member.unread,
                told: Some(member.unread),
            };
            (member.user.id, count)
        });
        Self {
            as_of: record.version,
            people: people.collect(),
        }
    }

    /// How it is now.
    pub(super) fn learn(&mut self, record: &RoomRecord) {
        self.as_of = record.version;
        for member in &record.members {
            self.people.entry(member.user.id).or_default().now = member.unread;
        }
    }

    /// A text message came: one more for everybody but its sender, who has
    /// read all before it. Clients count so by themselves, until they are told:
    /// where it was counted before they heard of it, they are told once more.
    pub(super) fn posted(&mut self, version: i64, sender: UserId) {
        let is_counted = version <= self.as_of;
        for (user, count) in &mut self.people {
            let is_own = *user == sender;
            if !is_counted {
                count.now = if is_own { 0 } else { count.now + 1 };
            }
            if is_counted || !is_own {
                count.told = None;
            }
        }
    }

    /// What is left for those whose marks moved in a commit that ended with
    /// this version, in which everything else was said by `posted` before.
    pub(super) fn committed(&mut self, version: i64, moved: &[(UserId, i64)]) {
        if version <= self.as_of {
            return;
        }
        self.as_of = version;
        for (user, now) in moved {
            if let Some(count) = self.people.get_mut(user) {
                count.now = *now;
            }
        }
    }

    /// Somebody came, in this version; a count that was read later stands.
    pub(super) fn joined(&mut self, version: i64, user: UserId) {
        if version > self.as_of {
            let told = Some(0);
            self.people.insert(user, Count { now: 0, told });
        }
    }

    /// Marks that moved in the commit by which somebody may be leaving.
    pub(super) fn went(&mut self, version: i64, moved: &[(UserId, i64)]) {
        if version <= self.as_of {
            return;
        }
        for (user, now) in moved {
            if let Some(count) = self.people.get_mut(user) {
                count.now = *now;
            }
        }
    }

    /// Answers how many there are that they will never be told of here.
    pub(super) fn left(&mut self, user: UserId) -> i64 {
        self.people.remove(&user).map_or(0, |count| count.now)
    }

    /// Something else about their count changed: it is to be told again.
    pub(super) fn tell_again(&mut self, user: UserId) {
        if let Some(count) = self.people.get_mut(&user) {
            count.told = None;
        }
    }

    pub(super) fn tell_all_again(&mut self) {
        for count in self.people.values_mut() {
            count.told = None;
        }
    }

    /// Those of these who have to be told, and what. A reading may know of
    /// others already.
    pub(super) fn take_news<'a>(
        &mut self,
        members: &'a BTreeMap<UserId, RoomMember>,
    ) -> impl Iterator<Item = (&'a RoomMember, i64)> {
        let people = self.people.iter_mut();
        people.filter_map(|(user, count)| {
            let member = members.get(user)?;
            let is_news = count.told != Some(count.now);
            count.told = Some(count.now);
            is_news.then_some((member, count.now))
        })
    }

    /// Forgets those who aren't among these.
    pub(super) fn keep(&mut self, members: &BTreeMap<UserId, RoomMember>) {
        self.people.retain(|user, _| members.contains_key(user));
    }
}
