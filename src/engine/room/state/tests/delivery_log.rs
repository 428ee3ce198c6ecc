//! The events that each user got, and whether they are the expected ones.

use std::collections::{BTreeMap, BTreeSet};

use super::disk::DiskModel;
use crate::engine::room::effects::AddressedEvent;
use crate::engine::room::state::*;
use crate::protocol::{Message, ServerEvent};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoggedEvent {
    Message(i64),
    Removed,
}

/// The streams of all users.
#[derive(Default)]
pub(super) struct DeliveryLog {
    streams: BTreeMap<UserId, Vec<LoggedEvent>>,
    /// The version ranges that were announced by a read.
    readings: Vec<VersionGap>,
}

impl DeliveryLog {
    pub(super) fn log_message(&mut self, to: &[UserId], message: &Message) {
        for user in to {
            let stream = self.streams.entry(*user).or_default();
            stream.push(LoggedEvent::Message(message.version));
        }
    }

    pub(super) fn log_events(&mut self, events: &[AddressedEvent]) {
        for event in events {
            if let ServerEvent::Message { message, .. }
            | ServerEvent::MessageUpdated { message, .. } = &event.event
            {
                self.log_message(&event.recipients, message);
            }
        }
    }

    pub(super) fn log_removal(&mut self, user: UserId) {
        self.streams
            .entry(user)
            .or_default()
            .push(LoggedEvent::Removed);
    }

    pub(super) fn log_reading(&mut self, missing: VersionGap) {
        self.readings.push(missing);
    }

    /// Returns the versions that a user got.
    pub(super) fn versions(&self, user: UserId) -> Vec<i64> {
        let stream = self.streams.get(&user).into_iter().flatten();
        let versions = stream.filter_map(|logged| match logged {
            LoggedEvent::Message(version) => Some(*version),
            LoggedEvent::Removed => None,
        });
        versions.collect()
    }

    /// No user gets a cursor ahead of their events.
    pub(super) fn check_cursor(&self, show: &ShowConversation, disk: &DiskModel, before: i64) {
        for user in &show.recipients {
            let versions = self.versions(*user);
            let periods = MembershipPeriods::of(*user, disk, before);
            let missing = periods
                .seen
                .iter()
                .find(|version| !versions.contains(version));
            // A read doesn't send messages of an earlier membership.
            if let Some(missing) = missing
                && Some(*missing) >= periods.last_join
            {
                assert!(show.cursor < *missing, "{show:?} for {user}");
            }
        }
    }

    /// Each user got the messages of their membership in order, each once, and
    /// its end.
    pub(super) fn check(&self, disk: &DiskModel, before: i64) {
        for user in (1..=4).map(UserId) {
            let periods = MembershipPeriods::of(user, disk, before);
            let versions = self.versions(user);
            assert!(
                versions.is_sorted_by(|one, two| one < two),
                "{user}: {versions:?}"
            );
            let versions: BTreeSet<i64> = versions.into_iter().collect();
            for version in &versions {
                assert!(
                    periods.seen.contains(version),
                    "{user} wasn't in: {version}"
                );
            }
            let mut missing = periods.seen.difference(&versions);
            let lost = missing.find(|version| !self.rejoined_within_reading(**version, &periods));
            assert_eq!(lost, None, "{user} was in");
            self.check_removals(user, &periods);
        }
    }

    fn check_removals(&self, user: UserId, periods: &MembershipPeriods) {
        let stream = self.streams.get(&user).map_or(&[][..], Vec::as_slice);
        let mut ends = periods.ends.iter().copied().collect::<Vec<_>>();
        ends.retain(|end| !self.rejoined_within_reading(*end - 1, periods));
        let removals = stream
            .iter()
            .filter(|logged| **logged == LoggedEvent::Removed);
        assert_eq!(removals.count(), ends.len(), "{user}: {stream:?} {ends:?}");
        let parts = stream.split(|logged| *logged == LoggedEvent::Removed);
        for (part, end) in parts.clone().zip(&ends) {
            let is_before =
                |logged: &LoggedEvent| matches!(logged, LoggedEvent::Message(it) if it < end);
            assert!(part.iter().all(is_before), "{user}: {part:?} ends at {end}");
        }
        for (part, end) in parts.skip(1).zip(&ends) {
            let is_after =
                |logged: &LoggedEvent| matches!(logged, LoggedEvent::Message(it) if it > end);
            assert!(
                part.iter().all(is_after),
                "{user}: {part:?} comes after {end}"
            );
        }
    }

    /// Returns whether a user who saw this version left after it and rejoined
    /// within one read: that read doesn't send their former membership.
    fn rejoined_within_reading(&self, version: i64, periods: &MembershipPeriods) -> bool {
        let Some(left) = periods.ends.iter().find(|end| **end > version) else {
            return false;
        };
        self.readings.iter().any(|reading| {
            let mut joins = periods.joins.iter();
            reading.after < *left && joins.any(|join| join > left && *join <= reading.up_to)
        })
    }
}

/// The periods in which a user was a member.
struct MembershipPeriods {
    /// The versions of messages that they see.
    seen: BTreeSet<i64>,
    joins: BTreeSet<i64>,
    ends: BTreeSet<i64>,
    last_join: Option<i64>,
}

impl MembershipPeriods {
    fn of(user: UserId, disk: &DiskModel, before: i64) -> Self {
        let versions: BTreeSet<i64> = disk.messages.iter().map(|it| it.version).collect();
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
            if is_in && versions.contains(version) {
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
