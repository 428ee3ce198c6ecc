//! The queue of password hashes: decides which attempt starts, waits, is
//! refused, or is dropped for another. Pure: no clock, no threads.
//!
//! A flood from few sources drops only its own attempts. Against a flood from
//! many sources, some places are reserved for known attempts: those of users
//! who logged in from this network or browser before.

use std::collections::{HashMap, VecDeque};

use crate::engine::rates::{ClientNetwork, RequestOrigin};

/// The maximum number of attempts that wait: about one second's work.
pub(super) const MAX_WAITING: usize = 32;
/// The places of [`MAX_WAITING`] that are reserved for known attempts.
pub(super) const RESERVED_FOR_KNOWN: usize = 4;

/// The source of a password attempt.
#[derive(Clone, Debug)]
pub(in crate::web) struct AttemptSource {
    /// The customer's network, and for IPv6 the /56 and /48 around it.
    networks: [Option<ClientNetwork>; 3],
    /// The account's name as it was typed.
    account: String,
    is_known: bool,
    /// The factor by which the limits of these networks are multiplied.
    share: usize,
}

/// The decision about a new attempt.
#[derive(Debug)]
pub(super) enum AttemptArrival<T> {
    /// The attempt starts, since a turn is free.
    Starts(T),
    /// The attempt waits under this number; `dropped` is the attempt that lost
    /// its place, if any.
    Waits { number: u64, dropped: Option<T> },
    /// Too many attempts of the same source are waiting.
    Refused(T),
}

/// The queue; `T` is the job of an attempt.
#[derive(Debug)]
pub(super) struct AttemptQueue<T> {
    /// The number of jobs that may run at a time.
    turns: usize,
    running: usize,
    /// The maximum number of attempts that may wait per customer's network;
    /// `None` is no limit.
    per_customer: Option<usize>,
    /// The waiting attempts, in order of arrival.
    waiting: VecDeque<WaitingAttempt<T>>,
    next_number: u64,
    was_known_last: bool,
}

#[derive(Debug)]
struct WaitingAttempt<T> {
    number: u64,
    attempter: AttemptSource,
    job: T,
}

#[derive(PartialEq, Eq, Hash)]
enum SourceKey<'a> {
    Network(ClientNetwork),
    Account(&'a str),
}

impl AttemptSource {
    /// Creates the source of an attempt on an account. `is_known` says that
    /// this network or browser has logged in to the account before.
    pub(in crate::web) fn new(origin: RequestOrigin, account: &str, is_known: bool) -> Self {
        Self {
            networks: [
                Some(origin.customer_network()),
                origin.ipv6_network(56),
                origin.ipv6_network(48),
            ],
            account: account.chars().take(30).collect::<String>().to_lowercase(),
            is_known,
            share: usize::try_from(origin.limit_factor()).unwrap_or(1),
        }
    }

    fn keys(&self) -> impl Iterator<Item = SourceKey<'_>> {
        let networks = self.networks.iter().flatten().copied();
        let account = std::iter::once(SourceKey::Account(&self.account));
        networks.map(SourceKey::Network).chain(account)
    }
}

impl<T> AttemptQueue<T> {
    /// Creates an empty queue for at most `turns` running jobs.
    pub(super) fn new(turns: usize, per_customer: Option<usize>) -> Self {
        Self {
            turns,
            running: 0,
            per_customer,
            waiting: VecDeque::new(),
            next_number: 0,
            was_known_last: false,
        }
    }

    /// Admits, queues or refuses a new attempt.
    pub(super) fn admit(&mut self, attempter: AttemptSource, job: T) -> AttemptArrival<T> {
        if self.running < self.turns {
            self.running += 1;
            return AttemptArrival::Starts(job);
        }
        let mut dropped = None;
        if let Some(full) = self.full_network(&attempter) {
            match self.oldest_unknown_of(full).filter(|_| attempter.is_known) {
                Some(at) => dropped = self.waiting.remove(at),
                None => return AttemptArrival::Refused(job),
            }
        } else if self.is_full_for(&attempter) {
            let victim = self.find_victim(&attempter);
            dropped = victim.and_then(|at| self.waiting.remove(at));
        }
        let number = self.next_number;
        self.next_number += 1;
        self.waiting.push_back(WaitingAttempt {
            number,
            attempter,
            job,
        });
        AttemptArrival::Waits {
            number,
            dropped: dropped.map(|waiting| waiting.job),
        }
    }

    /// Ends a running attempt and returns the next one to start. Known and
    /// unknown attempts alternate, so that neither kind starves.
    pub(super) fn finish(&mut self) -> Option<T> {
        let wanted = !self.was_known_last;
        let mut waiting = self.waiting.iter();
        let at = waiting.position(|one| one.attempter.is_known == wanted);
        let next = self.waiting.remove(at.unwrap_or(0));
        match next {
            Some(next) => {
                self.was_known_last = next.attempter.is_known;
                Some(next.job)
            }
            None => {
                self.running = self.running.saturating_sub(1);
                None
            }
        }
    }

    /// Removes a waiting attempt, for example because its client disconnected.
    pub(super) fn cancel(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    /// Returns the smallest network of the source in which no more attempts may
    /// wait. By default, the limits are 2 for a customer, 4 for a /56 and 8 for
    /// a /48.
    fn full_network(&self, attempter: &AttemptSource) -> Option<ClientNetwork> {
        let mut most = self.per_customer?.saturating_mul(attempter.share);
        for (level, network) in attempter.networks.iter().enumerate() {
            let network = (*network)?;
            let of_network = |one: &&WaitingAttempt<T>| {
                one.attempter.networks.get(level) == Some(&Some(network))
            };
            if self.waiting.iter().filter(of_network).count() >= most {
                return Some(network);
            }
            most = most.saturating_mul(2);
        }
        None
    }

    fn oldest_unknown_of(&self, network: ClientNetwork) -> Option<usize> {
        self.waiting.iter().position(|one| {
            !one.attempter.is_known && one.attempter.networks.contains(&Some(network))
        })
    }

    fn is_full_for(&self, attempter: &AttemptSource) -> bool {
        let unknown = self.waiting.iter().filter(|one| !one.attempter.is_known);
        let is_out_of_places = self.waiting.len() >= MAX_WAITING;
        is_out_of_places
            || (!attempter.is_known && unknown.count() >= MAX_WAITING - RESERVED_FOR_KNOWN)
    }

    /// Returns the oldest attempt of the most frequent source among those that
    /// may be dropped.
    fn find_victim(&self, newcomer: &AttemptSource) -> Option<usize> {
        let mut counts = HashMap::new();
        let waiting = self.waiting.iter().map(|one| &one.attempter);
        for key in waiting.chain([newcomer]).flat_map(AttemptSource::keys) {
            *counts.entry(key).or_insert(0_usize) += 1;
        }
        let frequency = |one: &WaitingAttempt<T>| {
            let of_keys = one.attempter.keys().filter_map(|key| counts.get(&key));
            of_keys.max().copied()
        };
        let is_kept = self.protects_known(newcomer);
        let candidates = self.waiting.iter().enumerate();
        let candidates = candidates.filter(|(_, one)| !(is_kept && one.attempter.is_known));
        // `max_by_key` returns the last of equals, but the oldest attempt is
        // wanted.
        let candidates = candidates.rev();
        candidates
            .max_by_key(|(_, one)| frequency(one))
            .map(|(at, _)| at)
    }

    /// Returns whether known attempts may not be dropped, since they fill only
    /// their reserved places.
    fn protects_known(&self, newcomer: &AttemptSource) -> bool {
        let known = self.waiting.iter().filter(|one| one.attempter.is_known);
        known.count() + usize::from(newcomer.is_known) <= RESERVED_FOR_KNOWN
    }
}

#[cfg(test)]
mod tests;
