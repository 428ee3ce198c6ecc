//! Tracks the online users, as pure state. A user is online with the first
//! session, and offline a grace period after the last one left, so that a page
//! change doesn't show them offline.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use entity::{Millis, UserId};
use tokio::time::Instant;

use crate::store::PresenceRecord;

#[derive(Debug, PartialEq, Eq)]
enum UserPresence {
    /// Has this many sessions.
    Online(usize),
    /// The last session left at `since`; `seen` is the same moment in
    /// wall-clock time.
    Leaving { since: Instant, seen: Millis },
}

/// The changes between two calls of [`PresenceTracker::take_changes`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PresenceChanges {
    pub(super) online: Vec<UserId>,
    /// With the time when each was last seen.
    pub(super) offline: Vec<(UserId, Millis)>,
    /// Users in either list whose announced status is still right: they came
    /// and left, or left and came back, since the last announcement.
    unannounced: BTreeSet<UserId>,
}

impl PresenceChanges {
    pub(super) fn is_empty(&self) -> bool {
        self.online.is_empty() && self.offline.is_empty()
    }

    /// Returns the statuses to announce: the new status of each user that
    /// changed.
    pub(super) fn announced_statuses(&self) -> Vec<(UserId, PresenceRecord)> {
        let online = self
            .online
            .iter()
            .map(|user| (*user, PresenceRecord::ONLINE));
        let offline = self.offline.iter();
        let offline = offline.map(|(user, seen)| (*user, PresenceRecord::offline_since(*seen)));
        online
            .chain(offline)
            .filter(|(user, _)| !self.unannounced.contains(user))
            .collect()
    }
}

/// The users who are online, or left within the grace period.
#[derive(Debug)]
pub(super) struct PresenceTracker {
    grace: Duration,
    users: HashMap<UserId, UserPresence>,
    /// Users whose last returned change was an arrival.
    online: HashSet<UserId>,
    /// Users announced as online.
    announced: HashSet<UserId>,
    /// Changes that couldn't be stored and announced: the last-seen time of
    /// each user, or none for a user that came online.
    unwritten: BTreeMap<UserId, Option<Millis>>,
    /// Users who arrived since the last changes.
    arrived: HashSet<UserId>,
}

impl PresenceTracker {
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            grace,
            users: HashMap::new(),
            online: HashSet::new(),
            announced: HashSet::new(),
            unwritten: BTreeMap::new(),
            arrived: HashSet::new(),
        }
    }

    /// Counts one more session.
    pub(super) fn add_session(&mut self, user: UserId) {
        let person = self.users.entry(user).or_insert(UserPresence::Online(0));
        match person {
            UserPresence::Online(sessions) => *sessions += 1,
            UserPresence::Leaving { .. } => *person = UserPresence::Online(1),
        }
        self.arrived.insert(user);
    }

    /// Counts one session less.
    pub(super) fn remove_session(&mut self, user: UserId, now: Instant, seen: Millis) {
        match self.users.get_mut(&user) {
            Some(UserPresence::Online(sessions)) if *sessions > 1 => *sessions -= 1,
            Some(person @ UserPresence::Online(_)) => {
                *person = UserPresence::Leaving { since: now, seen }
            }
            Some(UserPresence::Leaving { .. }) | None => {}
        }
    }

    /// Takes every user offline, without a grace period.
    pub(super) fn remove_all(&mut self, now: Instant, seen: Millis) {
        self.grace = Duration::ZERO;
        for person in self.users.values_mut() {
            if matches!(person, UserPresence::Online(_)) {
                *person = UserPresence::Leaving { since: now, seen };
            }
        }
    }

    /// Returns the changes since the last call, up to `now`.
    pub(super) fn take_changes(&mut self, now: Instant) -> PresenceChanges {
        let mut news = std::mem::take(&mut self.unwritten);
        for user in self.arrived.drain() {
            if self.online.insert(user) {
                news.insert(user, None);
            }
        }
        let grace = self.grace;
        let (online, people) = (&mut self.online, &mut self.users);
        people.retain(|user, person| match person {
            UserPresence::Leaving { since, seen } if now.duration_since(*since) >= grace => {
                online.remove(user);
                news.insert(*user, Some(*seen));
                false
            }
            _ => true,
        });
        let mut changes = PresenceChanges::default();
        for (user, seen) in news {
            if self.announced.contains(&user) == seen.is_none() {
                changes.unannounced.insert(user);
            }
            match seen {
                None => changes.online.push(user),
                Some(seen) => changes.offline.push((user, seen)),
            }
        }
        changes
    }

    /// Records that these changes were stored and announced.
    pub(super) fn mark_announced(&mut self, changes: &PresenceChanges) {
        self.announced.extend(&changes.online);
        for (user, _) in &changes.offline {
            self.announced.remove(user);
        }
    }

    /// Keeps failed changes for the next call, except for users with a newer
    /// change.
    pub(super) fn restore_changes(&mut self, changes: PresenceChanges) {
        let online = changes.online.into_iter().map(|user| (user, None));
        let offline = changes.offline.into_iter();
        for (user, seen) in online.chain(offline.map(|(user, seen)| (user, Some(seen)))) {
            self.unwritten.entry(user).or_insert(seen);
        }
    }
}

#[cfg(test)]
mod tests;
