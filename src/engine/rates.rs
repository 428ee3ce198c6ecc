//! How much each may ask for, and each address: token buckets, by GCRA.
//!
//! A bucket that is full again is forgotten, and however many ask there are
//! never more than [`BUCKETS`] of a kind: who comes after that shares one with
//! others, by a hash that nobody outside knows.

mod attempts;
mod database;
mod groups;
mod origin;
mod seats;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use entity::UserId;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{HashMapStateStore, ShrinkableKeyedStateStore};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::config::{self, Rate};
use crate::counters::Counters;
use crate::engine::testing::Faults;
use crate::protocol::{Code, Problem};

pub use crate::protocol::problem::Standing;
pub use attempts::{AccountOpening, Attempt};
use database::DatabaseBudget;
pub use database::DatabasePayer;
pub use groups::GroupPermit;
pub use origin::{ClientNetwork, Origin, SHARE_OF_MANY};
pub use seats::Seat;

use attempts::AddressLimits;
use seats::Seats;

/// The most buckets of a kind, each of about a hundred bytes.
const BUCKETS: usize = 65_536;
/// The buckets that those share who come after that.
const SHARED: u64 = 1024;
/// After so many takings, full buckets are forgotten.
const FORGET_EVERY: u32 = 4096;

/// All limits of a server.
pub struct Rates {
    sends: Limiter<UserId>,
    requests: Limiter<UserId>,
    logins: Limiter<String>,
    groups: Limiter<UserId>,
    unsolicited_groups: Limiter<UserId>,
    reports: Limiter<UserId>,
    by_address: AddressLimits,
    /// Of proxies that no setting names.
    by_proxy: AddressLimits,
    sockets: Seats,
    database: Arc<DatabaseBudget>,
}

/// Too much was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    /// Until there is one again, in seconds.
    pub retry_after: u32,
    pub standing: Standing,
}

impl Rates {
    #[must_use]
    pub fn new(rates: &config::Rates, counters: Arc<Counters>, faults: Faults) -> Self {
        Self {
            sends: Limiter::new(rates.sends),
            requests: Limiter::new(rates.requests),
            logins: Limiter::new(rates.logins),
            groups: Limiter::new(rates.groups),
            unsolicited_groups: Limiter::new(rates.unsolicited_groups),
            reports: Limiter::new(rates.reports),
            by_address: AddressLimits::new(rates, 1),
            by_proxy: AddressLimits::new(rates, SHARE_OF_MANY),
            sockets: Seats::new(rates.sockets),
            database: Arc::new(DatabaseBudget::new(rates.database, counters, faults)),
        }
    }

    /// Somebody sends a message. Nothing to say where there is no limit.
    ///
    /// # Errors
    /// Where that is too much.
    pub fn send(&self, user: UserId) -> Result<Option<Standing>, TooMuch> {
        self.database.check_user(user)?;
        self.sends.take(user)
    }

    /// Somebody asks anything else.
    ///
    /// # Errors
    /// Where that is too much.
    pub fn request(&self, user: UserId) -> Result<Option<Standing>, TooMuch> {
        self.database.check_user(user)?;
        self.requests.take(user)
    }

    /// A user reports a message.
    ///
    /// # Errors
    /// If that is too much.
    pub fn report(&self, user: UserId) -> Result<Option<Standing>, TooMuch> {
        self.reports.take(user)
    }

    /// A user opens a socket; `Engine::sit` also frees the seats of clients
    /// that vanished.
    ///
    /// # Errors
    /// `rate_limited` if the user has too many.
    pub(super) fn sit(&self, user: UserId) -> Result<Seat, Problem> {
        self.sockets.take(user)
    }
}

impl From<TooMuch> for Problem {
    fn from(too_much: TooMuch) -> Self {
        Self {
            retry_after: Some(too_much.retry_after),
            standing: Some(too_much.standing),
            ..Self::new(
                Code::RateLimited,
                "That is too much at once; wait a little.",
            )
        }
    }
}

/// Whose a bucket is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key<K> {
    Own(K),
    Shared(u64),
}

/// The buckets of a kind. The limiter has the one handle to them, and the
/// other is for what it has no words for.
struct Buckets<K: Hash + Eq + Clone>(Arc<HashMapStateStore<Key<K>>>);

impl<K: Hash + Eq + Clone> StateStore for Buckets<K> {
    type Key = Key<K>;

    fn measure_and_replace<T, F, E>(&self, key: &Key<K>, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, measure)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<Key<K>> for Buckets<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.retain_recent(drop_below);
    }

    fn shrink_to_fit(&self) {
        self.0.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

type Gcra<K> = RateLimiter<Key<K>, Buckets<K>, DefaultClock, StateInformationMiddleware>;

/// One limit, of everybody whom it is about.
struct Limiter<K: Hash + Eq + Clone>(Option<Limited<K>>);

struct Limited<K: Hash + Eq + Clone> {
    gcra: Gcra<K>,
    buckets: Arc<HashMapStateStore<Key<K>>>,
    rate: Rate,
    hasher: RandomState,
    taken: AtomicU32,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rate: Option<Rate>) -> Self {
        Self(rate.and_then(Limited::new))
    }

    fn take(&self, key: K) -> Result<Option<Standing>, TooMuch> {
        let limited = self.0.as_ref();
        limited.map(|limited| limited.take(key)).transpose()
    }

    fn give_back(&self, key: K) {
        if let Some(limited) = &self.0 {
            limited.give_back(key);
        }
    }
}

impl<K: Hash + Eq + Clone> Limited<K> {
    fn new(rate: Rate) -> Option<Self> {
        let quota = quota(rate)?;
        let buckets = Arc::new(HashMapStateStore::new(HashMap::new()));
        let store = Buckets(Arc::clone(&buckets));
        Some(Self {
            gcra: RateLimiter::new(quota, store, DefaultClock::default()),
            buckets,
            rate,
            hasher: RandomState::new(),
            taken: AtomicU32::new(0),
        })
    }

    fn take(&self, key: K) -> Result<Standing, TooMuch> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        if taken.is_multiple_of(FORGET_EVERY) {
            self.gcra.retain_recent();
        }
        let limit = self.rate.burst.get();
        match self.gcra.check_key(&self.place(key)) {
            Ok(state) => Ok(self.standing(state.remaining_burst_capacity())),
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.gcra.clock().now());
                Err(TooMuch {
                    retry_after: seconds(wait).max(1),
                    standing: Standing {
                        limit,
                        ..self.standing(0)
                    },
                })
            }
        }
    }

    /// Puts back what was taken last.
    fn give_back(&self, key: K) {
        let each = Nanos::from(self.rate.each);
        let taken = |until: Option<Nanos>| until.map(|until| ((), until.saturating_sub(each)));
        // Where there is no bucket any more, it is full.
        let _ = self
            .buckets
            .measure_and_replace(&self.place(key), |until| taken(until).ok_or(()));
    }

    /// The bucket of whoever has one, or has one made while there is room.
    fn place(&self, key: K) -> Key<K> {
        let buckets = self.buckets.lock();
        let own = Key::Own(key);
        if buckets.len() < BUCKETS || buckets.contains_key(&own) {
            return own;
        }
        Key::Shared(self.hasher.hash_one(&own) % SHARED)
    }

    fn standing(&self, remaining: u32) -> Standing {
        let limit = self.rate.burst.get();
        Standing {
            limit,
            remaining,
            reset: seconds(self.rate.each * limit.saturating_sub(remaining)),
        }
    }
}

/// One bucket by itself.
#[derive(Debug)]
pub struct Bucket(Option<DefaultDirectRateLimiter>);

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn new(rate: Option<Rate>) -> Self {
        Self(rate.and_then(quota).map(RateLimiter::direct))
    }

    /// Takes one out; false where there is none.
    pub fn take(&self) -> bool {
        self.0.as_ref().is_none_or(|bucket| bucket.check().is_ok())
    }
}

/// None where the rate is no rate.
fn quota(rate: Rate) -> Option<Quota> {
    Some(Quota::with_period(rate.each)?.allow_burst(rate.burst))
}

/// Whole seconds, of which one that has begun is one.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
