//! Rate limits per user and per address: token buckets, by GCRA.
//!
//! Full buckets are removed. There are at most [`BUCKETS_MAX`] buckets of a
//! limit; further keys share buckets, chosen by a hash that clients can't
//! predict.

mod attempts;
mod database;
mod groups;
mod origin;
mod socket_quota;

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

use crate::config::{self, RateLimit};
use crate::counters::Counters;
use crate::engine::fault_hooks::FaultHooks;
use crate::protocol::{ErrorCode, Problem};

pub use crate::protocol::problem::RateLimitStatus;
pub use attempts::{LoginAttempt, RegistrationAttempt};
use database::DatabaseBudget;
pub use database::DatabasePayer;
pub use groups::GroupPermit;
pub use origin::{ClientNetwork, RequestOrigin, SHARED_ADDRESS_FACTOR};
pub use socket_quota::SocketPermit;

use attempts::AddressLimits;
use socket_quota::SocketQuota;

/// The maximum number of buckets of a limit, each of about a hundred bytes.
const BUCKETS_MAX: usize = 65_536;
/// The number of buckets that all further keys share.
const SHARED_BUCKETS: u64 = 1024;
/// Full buckets are removed after this many requests.
const PRUNE_EVERY: u32 = 4096;

/// All limits of a server.
pub struct RateLimiters {
    sends: KeyedLimiter<UserId>,
    requests: KeyedLimiter<UserId>,
    logins: KeyedLimiter<String>,
    groups: KeyedLimiter<UserId>,
    unsolicited_groups: KeyedLimiter<UserId>,
    reports: KeyedLimiter<UserId>,
    by_address: AddressLimits,
    /// Limits for addresses of proxies that no setting names.
    by_proxy: AddressLimits,
    sockets: SocketQuota,
    database: Arc<DatabaseBudget>,
}

/// A limit was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateExceeded {
    /// Seconds until the next request is allowed.
    pub retry_after: u32,
    pub quota_state: RateLimitStatus,
}

impl RateLimiters {
    /// Creates the limiters, which requests and actors share.
    #[must_use]
    pub fn new(
        rates: &config::RateLimits,
        counters: Arc<Counters>,
        faults: FaultHooks,
    ) -> Arc<Self> {
        Arc::new(Self {
            sends: KeyedLimiter::new(rates.sends),
            requests: KeyedLimiter::new(rates.requests),
            logins: KeyedLimiter::new(rates.logins),
            groups: KeyedLimiter::new(rates.groups),
            unsolicited_groups: KeyedLimiter::new(rates.unsolicited_groups),
            reports: KeyedLimiter::new(rates.reports),
            by_address: AddressLimits::new(rates, 1),
            by_proxy: AddressLimits::new(rates, SHARED_ADDRESS_FACTOR),
            sockets: SocketQuota::new(rates.sockets),
            database: Arc::new(DatabaseBudget::new(rates.database, counters, faults)),
        })
    }

    /// Counts a sent message. Returns the quota, or none if there is no limit.
    ///
    /// # Errors
    /// If the user exceeds the limit.
    pub fn check_send(&self, user: UserId) -> Result<Option<RateLimitStatus>, RateExceeded> {
        self.database.check_user(user)?;
        self.sends.take(user)
    }

    /// Counts a user's request that sends no message.
    ///
    /// # Errors
    /// If the user exceeds the limit.
    pub fn check_request(&self, user: UserId) -> Result<Option<RateLimitStatus>, RateExceeded> {
        self.database.check_user(user)?;
        self.requests.take(user)
    }

    /// Counts a report of a message.
    ///
    /// # Errors
    /// If the user exceeds the limit.
    pub fn check_report(&self, user: UserId) -> Result<Option<RateLimitStatus>, RateExceeded> {
        self.reports.take(user)
    }

    /// Reserves a socket for a user. `Engine::reserve_socket` also frees the
    /// permits of clients that vanished.
    ///
    /// # Errors
    /// `rate_limited` if the user has too many sockets.
    pub(super) fn reserve_socket(&self, user: UserId) -> Result<SocketPermit, Problem> {
        self.sockets.take(user)
    }
}

impl From<RateExceeded> for Problem {
    fn from(too_much: RateExceeded) -> Self {
        Self {
            retry_after: Some(too_much.retry_after),
            rate_limit: Some(too_much.quota_state),
            ..Self::new(ErrorCode::RateLimited, "Too many requests; wait a moment.")
        }
    }
}

/// The key of a bucket: the caller's own, or a shared one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum BucketKey<K> {
    Own(K),
    Shared(u64),
}

/// The buckets of a limit, for the limiter that owns this handle.
/// [`ActiveLimiter`] has another handle, for operations that the limiter
/// doesn't offer.
struct BucketStore<K: Hash + Eq + Clone>(Arc<HashMapStateStore<BucketKey<K>>>);

impl<K: Hash + Eq + Clone> StateStore for BucketStore<K> {
    type Key = BucketKey<K>;

    fn measure_and_replace<T, F, E>(&self, key: &BucketKey<K>, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, measure)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<BucketKey<K>> for BucketStore<K> {
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

type GcraLimiter<K> =
    RateLimiter<BucketKey<K>, BucketStore<K>, DefaultClock, StateInformationMiddleware>;

/// One limit, for all keys it applies to; none if it is switched off.
struct KeyedLimiter<K: Hash + Eq + Clone>(Option<ActiveLimiter<K>>);

struct ActiveLimiter<K: Hash + Eq + Clone> {
    gcra: GcraLimiter<K>,
    buckets: Arc<HashMapStateStore<BucketKey<K>>>,
    rate: RateLimit,
    hasher: RandomState,
    taken: AtomicU32,
}

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    fn new(rate: Option<RateLimit>) -> Self {
        Self(rate.and_then(ActiveLimiter::new))
    }

    fn take(&self, key: K) -> Result<Option<RateLimitStatus>, RateExceeded> {
        let limited = self.0.as_ref();
        limited.map(|limited| limited.take(key)).transpose()
    }

    fn refund(&self, key: K) {
        if let Some(limited) = &self.0 {
            limited.refund(key);
        }
    }
}

impl<K: Hash + Eq + Clone> ActiveLimiter<K> {
    fn new(rate: RateLimit) -> Option<Self> {
        let quota = quota(rate)?;
        let buckets = Arc::new(HashMapStateStore::new(HashMap::new()));
        let store = BucketStore(Arc::clone(&buckets));
        Some(Self {
            gcra: RateLimiter::new(quota, store, DefaultClock::default()),
            buckets,
            rate,
            hasher: RandomState::new(),
            taken: AtomicU32::new(0),
        })
    }

    fn take(&self, key: K) -> Result<RateLimitStatus, RateExceeded> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        if taken.is_multiple_of(PRUNE_EVERY) {
            self.gcra.retain_recent();
        }
        let limit = self.rate.burst.get();
        match self.gcra.check_key(&self.bucket_key(key)) {
            Ok(state) => Ok(self.quota_state(state.remaining_burst_capacity())),
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.gcra.clock().now());
                Err(RateExceeded {
                    retry_after: whole_seconds(wait).max(1),
                    quota_state: RateLimitStatus {
                        limit,
                        ..self.quota_state(0)
                    },
                })
            }
        }
    }

    /// Puts back the token that was taken last.
    fn refund(&self, key: K) {
        let each = Nanos::from(self.rate.interval);
        let taken = |until: Option<Nanos>| until.map(|until| ((), until.saturating_sub(each)));
        // A bucket that was removed is full.
        let _ = self
            .buckets
            .measure_and_replace(&self.bucket_key(key), |until| taken(until).ok_or(()));
    }

    /// Returns the caller's own bucket while there is room for it, or a shared
    /// one.
    fn bucket_key(&self, key: K) -> BucketKey<K> {
        let buckets = self.buckets.lock();
        let own = BucketKey::Own(key);
        if buckets.len() < BUCKETS_MAX || buckets.contains_key(&own) {
            return own;
        }
        BucketKey::Shared(self.hasher.hash_one(&own) % SHARED_BUCKETS)
    }

    fn quota_state(&self, remaining: u32) -> RateLimitStatus {
        let limit = self.rate.burst.get();
        RateLimitStatus {
            limit,
            remaining,
            reset: whole_seconds(self.rate.interval * limit.saturating_sub(remaining)),
        }
    }
}

/// A single token bucket.
#[derive(Debug)]
pub struct TokenBucket(Option<DefaultDirectRateLimiter>);

impl TokenBucket {
    /// Returns a full bucket.
    #[must_use]
    pub fn new(rate: Option<RateLimit>) -> Self {
        Self(rate.and_then(quota).map(RateLimiter::direct))
    }

    /// Takes a token; false if there is none.
    pub fn take(&self) -> bool {
        self.0.as_ref().is_none_or(|bucket| bucket.check().is_ok())
    }
}

/// Converts a rate for the limiter; returns none if its interval is zero.
fn quota(rate: RateLimit) -> Option<Quota> {
    Some(Quota::with_period(rate.interval)?.allow_burst(rate.burst))
}

/// Rounds up to whole seconds.
fn whole_seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
