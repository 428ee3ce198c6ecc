//! What each person was told, and whether it is what they should have been.

use std::collections::{BTreeMap, BTreeSet};

use super::disk::Disk;
use crate::engine::room::effects::{Said, Telling};
use crate::engine::room::state::*;
use crate::protocol::Message;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Message(i64),
    Removed,
}

/// Everybody's stream.
#[derive(Default)]
pub(super) struct Told {
    streams: BTreeMap<UserId, Vec<Heard>>,
    /// What was told by a reading: the versions after the one, up to the other.
    readings: Vec<Missing>,
}

impl Told {
    pub(super) fn message(&mut self, to: &[UserId], message: &Message) {
        for user in to {
            let stream = self.streams.entry(*user).or_default();
            stream.push(Heard::Message(message.version));
        }
    }

    pub(super) fn all(&mut self, telling: &Telling) {
        for note in &telling.notes {
            if let Said::Message(message) = &note.said {
                self.message(&note.to, message);
            }
        }
    }

    pub(super) fn removed(&mut self, user: UserId) {
        self.streams.entry(user).or_default().push(Heard::Removed);
    }

    pub(super) fn read(&mut self, missing: Missing) {
        self.readings.push(missing);
    }

    /// The versions that somebody was told.
    pub(super) fn versions(&self, user: UserId) -> Vec<i64> {
        let stream = self.streams.get(&user).into_iter().flatten();
        let versions = stream.filter_map(|heard| match heard {
            Heard::Message(version) => Some(*version),
            Heard::Removed => None,
        });
        versions.collect()
    }

    /// Nobody is given a cursor ahead of what they were told.
    pub(super) fn check_cursor(&self, show: &Show, disk: &Disk, before: i64) {
        for user in &show.to {
            let told = self.versions(*user);
            let stretches = Stretches::of(*user, disk, before);
            let untold = stretches
                .seen
                .iter()
                .find(|version| !told.contains(version));
            // Of a stretch that is over, they aren't told by a reading.
            if let Some(untold) = untold
                && Some(*untold) >= stretches.last_join
            {
                assert!(show.cursor < *untold, "{show:?} for {user}");
            }
        }
    }

    /// Each was told the messages of the versions in which they were in, in
    /// order, each once, and when that ended.
    pub(super) fn check(&self, disk: &Disk, before: i64) {
        for user in (1..=4).map(UserId) {
            let stretches = Stretches::of(user, disk, before);
            let told = self.versions(user);
            assert!(told.is_sorted_by(|one, two| one < two), "{user}: {told:?}");
            let told: BTreeSet<i64> = told.into_iter().collect();
            for version in &told {
                assert!(
                    stretches.seen.contains(version),
                    "{user} wasn't in: {version}"
                );
            }
            let mut missing = stretches.seen.difference(&told);
            let lost = missing.find(|version| !self.came_back(**version, &stretches));
            assert_eq!(lost, None, "{user} was in");
            self.check_removals(user, &stretches);
        }
    }

    fn check_removals(&self, user: UserId, stretches: &Stretches) {
        let stream = self.streams.get(&user).map_or(&[][..], Vec::as_slice);
        let mut ends = stretches.ends.iter().copied().collect::<Vec<_>>();
        ends.retain(|end| !self.came_back(*end - 1, stretches));
        let removals = stream.iter().filter(|heard| **heard == Heard::Removed);
        assert_eq!(removals.count(), ends.len(), "{user}: {stream:?} {ends:?}");
        let parts = stream.split(|heard| *heard == Heard::Removed);
        for (part, end) in parts.clone().zip(&ends) {
            let is_before = |heard: &Heard| matches!(heard, Heard::Message(it) if it < end);
            assert!(part.iter().all(is_before), "{user}: {part:?} ends at {end}");
        }
        for (part, end) in parts.skip(1).zip(&ends) {
            let is_after = |heard: &Heard| matches!(heard, Heard::Message(it) if it > end);
            assert!(
                part.iter().all(is_after),
                "{user}: {part:?} comes after {end}"
            );
        }
    }

    /// Whether somebody who saw this version went after it and was back by
    /// the end of one reading: then the former stretch is none of theirs.
    fn came_back(&self, version: i64, stretches: &Stretches) -> bool {
        let Some(left) = stretches.ends.iter().find(|end| **end > version) else {
            return false;
        };
        self.readings.iter().any(|reading| {
            let mut joins = stretches.joins.iter();
            reading.after < *left && joins.any(|join| join > left && *join <= reading.up_to)
        })
    }
}

/// When somebody was in.
struct Stretches {
    /// The versions of messages that they see.
    seen: BTreeSet<i64>,
    joins: BTreeSet<i64>,
    ends: BTreeSet<i64>,
    last_join: Option<i64>,
}

impl Stretches {
    fn of(user: UserId, disk: &Disk, before: i64) -> Self {
        let told: BTreeSet<i64> = disk.messages.iter().map(|it| it.version).collect();
        let (mut seen, mut joins, mut ends) = <(BTreeSet<_>, BTreeSet<_>, BTreeSet<_>)>::default();
        let first = disk
            .people
            .iter()
            .take_while(|(version, _)| *version <= before);
        let mut was_in = first.last().map_or_else(
            || disk.started_with(user),
            |(_, people)| people.contains(&user),
        );
        for (version, people) in &disk.people {
            if *version <= before {
                continue;
            }
            let is_in = people.contains(&user);
            match (was_in, is_in) {
                (false, true) => drop(joins.insert(*version)),
                (true, false) => drop(ends.insert(*version)),
                _ => {}
            }
            if is_in && told.contains(version) {
                seen.insert(*version);
            }
            was_in = is_in;
        }
        let last_join = joins.last().copied();
        Self {
            seen,
            joins,
            ends,
            last_join,
        }
    }
}
