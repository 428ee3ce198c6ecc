//! The queue of passwords that wait for their hashing: which attempt starts,
//! waits, is refused, or is dropped for another. Pure: no clock, no threads.
//!
//! A flood from few sources drops its own attempts. Places that only known
//! attempts get keep a flood from many sources away from users who logged in
//! from their network or browser before.

use std::collections::{HashMap, VecDeque};

use crate::engine::rates::{ClientNetwork, Origin};

/// The most attempts that wait: about a second's work.
pub(super) const PLACES: usize = 32;
/// The places of [`PLACES`] that only known attempts get.
pub(super) const KNOWN_PLACES: usize = 4;

/// Who tries a password.
#[derive(Clone, Debug)]
pub(in crate::web) struct Attempter {
    /// From the customer's network to wider ones.
    networks: [Option<ClientNetwork>; 3],
    /// The account's name, as it was given.
    account: String,
    is_known: bool,
    /// How many times the usual places its networks have.
    share: usize,
}

/// What becomes of an attempt that arrives.
#[derive(Debug)]
pub(super) enum Arrival<T> {
    /// A turn is free for it.
    Starts(T),
    /// It waits by this number; another may have been dropped for it.
    Waits { number: u64, dropped: Option<T> },
    /// Its source has enough attempts that wait.
    Refused(T),
}

/// The queue, with what it needs to start an attempt: `T`.
#[derive(Debug)]
pub(super) struct AttemptQueue<T> {
    /// How many may run at a time.
    turns: usize,
    running: usize,
    /// How many may wait per customer's network; none is no limit.
    per_customer: Option<usize>,
    /// In order of arrival.
    waiting: VecDeque<Waiting<T>>,
    next_number: u64,
    was_known_last: bool,
}

#[derive(Debug)]
struct Waiting<T> {
    number: u64,
    attempter: Attempter,
    job: T,
}

#[derive(PartialEq, Eq, Hash)]
enum SourceKey<'a> {
    Network(ClientNetwork),
    Account(&'a str),
}

impl Attempter {
    /// Somebody who names an account; `is_known` if a server has reason to
    /// believe that it is the account's owner.
    pub(in crate::web) fn new(origin: Origin, account: &str, is_known: bool) -> Self {
        Self {
            networks: [Some(origin.customer()), origin.wider(56), origin.wider(48)],
            account: account.chars().take(30).collect::<String>().to_lowercase(),
            is_known,
            share: usize::try_from(origin.share()).unwrap_or(1),
        }
    }

    fn keys(&self) -> impl Iterator<Item = SourceKey<'_>> {
        let networks = self.networks.iter().flatten().copied();
        let account = std::iter::once(SourceKey::Account(&self.account));
        networks.map(SourceKey::Network).chain(account)
    }
}

impl<T> AttemptQueue<T> {
    /// An empty queue in front of so many turns.
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

    /// Takes an attempt in.
    pub(super) fn arrive(&mut self, attempter: Attempter, job: T) -> Arrival<T> {
        if self.running < self.turns {
            self.running += 1;
            return Arrival::Starts(job);
        }
        let mut dropped = None;
        if let Some(full) = self.full_network(&attempter) {
            match self.oldest_unknown_of(full).filter(|_| attempter.is_known) {
                Some(at) => dropped = self.waiting.remove(at),
                None => return Arrival::Refused(job),
            }
        } else if self.is_full_for(&attempter) {
            let victim = self.victim(&attempter);
            dropped = victim.and_then(|at| self.waiting.remove(at));
        }
        let number = self.next_number;
        self.next_number += 1;
        self.waiting.push_back(Waiting {
            number,
            attempter,
            job,
        });
        Arrival::Waits {
            number,
            dropped: dropped.map(|waiting| waiting.job),
        }
    }

    /// A running attempt has ended: the one that starts instead. Known and
    /// unknown attempts take turns, so that neither keeps the other waiting.
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

    /// An attempt that waited is given up, for example since its client left.
    pub(super) fn leave(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    /// The smallest network of the attempter in which no more may wait: 2 of a
    /// customer, 4 of 56 bits, 8 of 48 bits.
    fn full_network(&self, attempter: &Attempter) -> Option<ClientNetwork> {
        let mut most = self.per_customer?.saturating_mul(attempter.share);
        for (level, network) in attempter.networks.iter().enumerate() {
            let network = (*network)?;
            let of_network =
                |one: &&Waiting<T>| one.attempter.networks.get(level) == Some(&Some(network));
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

    fn is_full_for(&self, attempter: &Attempter) -> bool {
        let unknown = self.waiting.iter().filter(|one| !one.attempter.is_known);
        let is_out_of_places = self.waiting.len() >= PLACES;
        is_out_of_places || (!attempter.is_known && unknown.count() >= PLACES - KNOWN_PLACES)
    }

    /// The oldest attempt of the most frequent source, of those that may be
    /// dropped for this one.
    fn victim(&self, newcomer: &Attempter) -> Option<usize> {
        let mut counts = HashMap::new();
        let waiting = self.waiting.iter().map(|one| &one.attempter);
        for key in waiting.chain([newcomer]).flat_map(Attempter::keys) {
            *counts.entry(key).or_insert(0_usize) += 1;
        }
        let frequency = |one: &Waiting<T>| {
            let of_keys = one.attempter.keys().filter_map(|key| counts.get(&key));
            of_keys.max().copied()
        };
        let is_kept = self.keeps_known(newcomer);
        let candidates = self.waiting.iter().enumerate();
        let candidates = candidates.filter(|(_, one)| !(is_kept && one.attempter.is_known));
        // Of equals the first one is meant, which `max_by_key` gives in reverse.
        let candidates = candidates.rev();
        candidates
            .max_by_key(|(_, one)| frequency(one))
            .map(|(at, _)| at)
    }

    /// Whether no known attempt may be dropped: they have no more places than
    /// are theirs.
    fn keeps_known(&self, newcomer: &Attempter) -> bool {
        let known = self.waiting.iter().filter(|one| one.attempter.is_known);
        known.count() + usize::from(newcomer.is_known) <= KNOWN_PLACES
    }
}

#[cfg(test)]
mod tests;
