//! Who is online, as a pure state: online with the first session, offline a
//! grace after the last has gone, so that a change of page is not a blink.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use entity::{Millis, UserId};
use tokio::time::Instant;

use crate::store::Status;

#[derive(Debug, PartialEq, Eq)]
enum Person {
    /// With this many sessions.
    Here(usize),
    /// The last session went then; `seen` is the same on the calendar.
    Going { since: Instant, seen: Millis },
}

/// What has changed since it was last asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) online: Vec<UserId>,
    /// With when each was last seen.
    pub(super) offline: Vec<(UserId, Millis)>,
    /// Those of them of whom others know no different: they came and went
    /// again, or went and came, since anything was told.
    quiet: BTreeSet<UserId>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.online.is_empty() && self.offline.is_empty()
    }

    /// What is to be told: how each of those who came or went stands now.
    pub(super) fn news(&self) -> Vec<(UserId, Status)> {
        let online = self.online.iter().map(|user| (*user, Status::ONLINE));
        let offline = self.offline.iter();
        let offline = offline.map(|(user, seen)| (*user, Status::gone(*seen)));
        online
            .chain(offline)
            .filter(|(user, _)| !self.quiet.contains(user))
            .collect()
    }
}

/// Everybody who is here, or was a moment ago.
#[derive(Debug)]
pub(super) struct Tracker {
    grace: Duration,
    people: HashMap<UserId, Person>,
    /// Those whose coming was news, and whose going wasn't yet.
    online: HashSet<UserId>,
    /// Those who were told to be online.
    told: HashSet<UserId>,
    /// News of people that couldn't be written and told.
    unwritten: BTreeMap<UserId, Option<Millis>>,
    /// People who came since the last changes.
    arrived: HashSet<UserId>,
}

impl Tracker {
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            grace,
            people: HashMap::new(),
            online: HashSet::new(),
            told: HashSet::new(),
            unwritten: BTreeMap::new(),
            arrived: HashSet::new(),
        }
    }

    /// One more session.
    pub(super) fn arrived(&mut self, user: UserId) {
        let person = self.people.entry(user).or_insert(Person::Here(0));
        match person {
            Person::Here(sessions) => *sessions += 1,
            Person::Going { .. } => *person = Person::Here(1),
        }
        self.arrived.insert(user);
    }

    /// One session less.
    pub(super) fn left(&mut self, user: UserId, now: Instant, seen: Millis) {
        match self.people.get_mut(&user) {
            Some(Person::Here(sessions)) if *sessions > 1 => *sessions -= 1,
            Some(person @ Person::Here(_)) => *person = Person::Going { since: now, seen },
            Some(Person::Going { .. }) | None => {}
        }
    }

    /// Everybody has gone, and there is no grace any more.
    pub(super) fn all_left(&mut self, now: Instant, seen: Millis) {
        self.grace = Duration::ZERO;
        for person in self.people.values_mut() {
            if matches!(person, Person::Here(_)) {
                *person = Person::Going { since: now, seen };
            }
        }
    }

    /// What has changed since the last call, by now.
    pub(super) fn changes(&mut self, now: Instant) -> Changes {
        let mut news = std::mem::take(&mut self.unwritten);
        for user in self.arrived.drain() {
            if self.online.insert(user) {
                news.insert(user, None);
            }
        }
        let grace = self.grace;
        let (online, people) = (&mut self.online, &mut self.people);
        people.retain(|user, person| match person {
            Person::Going { since, seen } if now.duration_since(*since) >= grace => {
                online.remove(user);
                news.insert(*user, Some(*seen));
                false
            }
            _ => true,
        });
        let mut changes = Changes::default();
        for (user, seen) in news {
            if self.told.contains(&user) == seen.is_none() {
                changes.quiet.insert(user);
            }
            match seen {
                None => changes.online.push(user),
                Some(seen) => changes.offline.push((user, seen)),
            }
        }
        changes
    }

    /// These were written and told.
    pub(super) fn told(&mut self, changes: &Changes) {
        self.told.extend(&changes.online);
        for (user, _) in &changes.offline {
            self.told.remove(user);
        }
    }

    /// These weren't: they are news again, but for those of whom there is
    /// newer.
    pub(super) fn not_told(&mut self, changes: Changes) {
        let online = changes.online.into_iter().map(|user| (user, None));
        let offline = changes.offline.into_iter();
        for (user, seen) in online.chain(offline.map(|(user, seen)| (user, Some(seen)))) {
            self.unwritten.entry(user).or_insert(seen);
        }
    }
}

#[cfg(test)]
mod tests;
