//! The database time that each user and each address may take: a bucket that is
//! charged after each statement, since no statement is stopped halfway.
//!
//! Before login, the address pays; after it, only the user.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use entity::UserId;
use parking_lot::Mutex;

use super::{
    BUCKETS_MAX, BucketKey, ClientNetwork, PRUNE_EVERY, RateExceeded, RateLimitStatus,
    RateLimiters, RequestOrigin, SHARED_BUCKETS, whole_seconds,
};
use crate::config::RateLimit;
use crate::counters::{Counters, NO_ROUTE};
use crate::engine::fault_hooks::FaultHooks;
use crate::store::StatementPayer;

/// The longest time for which one statement can block its user.
const DEBT_MAX: Duration = Duration::from_secs(600);
/// The list of expensive accounts covers two such periods.
const PERIOD: Duration = Duration::from_secs(300);

/// The payer of a statement's time: a user, or before login an address.
pub struct DatabasePayer {
    budget: Arc<DatabaseBudget>,
    network: ClientNetwork,
    user: OnceLock<UserId>,
    /// Nanoseconds of statements that aren't yet counted for a route.
    spent: AtomicU64,
    route: OnceLock<String>,
}

/// The budgets of all users and addresses.
pub(super) struct DatabaseBudget {
    users: TimeDebts<UserId>,
    networks: TimeDebts<ClientNetwork>,
    accounts: Mutex<AccountTimes>,
    counters: Arc<Counters>,
    faults: FaultHooks,
}

impl RateLimiters {
    /// Waits until a user can afford one more step of long work.
    pub async fn wait_for_budget(&self, user: UserId) {
        self.database.wait_for_budget(user).await;
    }

    /// Returns the payer of a request's statements: its address, until its
    /// login is known.
    pub fn payer_of_address(&self, from: Option<IpAddr>) -> Arc<DatabasePayer> {
        DatabasePayer::of_address(Arc::clone(&self.database), from)
    }

    /// Returns the payer of the statements of a user's socket.
    pub fn payer_of_socket(&self, user: UserId) -> Arc<dyn StatementPayer> {
        let payer = self.payer_of_address(None);
        payer.set_user(user);
        payer.set_route("sockets");
        payer
    }

    /// Charges a transaction's time to its users by their shares.
    pub(in crate::engine) fn charge_shares(&self, shares: &[(UserId, Duration)]) {
        for (user, took) in shares {
            self.database.charge_user(*user, *took);
        }
        let all = shares.iter().map(|(_, took)| *took).sum();
        self.database.count_route_time("journal", all);
    }

    /// Returns the users with the most database time in the last ten minutes.
    #[must_use]
    pub fn most_expensive_users(&self, count: usize) -> Vec<(UserId, Duration)> {
        self.database.most_expensive_users(count)
    }
}

impl DatabaseBudget {
    pub(super) fn new(
        rate: Option<RateLimit>,
        counters: Arc<Counters>,
        faults: FaultHooks,
    ) -> Self {
        Self {
            users: TimeDebts::new(rate),
            networks: TimeDebts::new(rate),
            accounts: Mutex::new(AccountTimes::new(Instant::now())),
            counters,
            faults,
        }
    }

    /// Checks that a user has budget left.
    pub(super) fn check_user(&self, user: UserId) -> Result<(), RateExceeded> {
        self.users.check(user, Instant::now())
    }

    /// Waits until a user has half of the budget, so that work of many steps
    /// leaves the other half for the user's other requests.
    pub(super) async fn wait_for_budget(&self, user: UserId) {
        loop {
            match self.users.time_to_half(user, Instant::now()) {
                Duration::ZERO => return,
                wait => tokio::time::sleep(wait).await,
            }
        }
    }

    pub(super) fn charge_user(&self, user: UserId, took: Duration) {
        let now = Instant::now();
        let took = self.faults.database_time(Some(user), took);
        self.users.charge(user, took, now);
        self.accounts.lock().add(user, took, now);
    }

    /// Counts time for a route.
    pub(super) fn count_route_time(&self, route: &str, took: Duration) {
        self.counters.database.add_time(route, took);
    }

    /// Returns the accounts with the most time in the last ten minutes.
    pub(super) fn most_expensive_users(&self, count: usize) -> Vec<(UserId, Duration)> {
        self.accounts.lock().most_expensive(count, Instant::now())
    }
}

impl DatabasePayer {
    pub(super) fn of_address(budget: Arc<DatabaseBudget>, from: Option<IpAddr>) -> Arc<Self> {
        Arc::new(Self {
            budget,
            network: RequestOrigin::of(from).customer_network(),
            user: OnceLock::new(),
            spent: AtomicU64::new(0),
            route: OnceLock::new(),
        })
    }

    /// Makes this user the payer from now on.
    pub fn set_user(&self, user: UserId) {
        let _ = self.user.set(user);
    }

    /// Checks that the payer has budget left.
    ///
    /// # Errors
    /// If its user or address took too much database time.
    pub fn check_budget(&self) -> Result<(), RateExceeded> {
        match self.user.get() {
            Some(user) => self.budget.check_user(*user),
            None => self.budget.networks.check(self.network, Instant::now()),
        }
    }

    /// Counts the time for this route from now on.
    pub fn set_route(&self, route: &str) {
        let _ = self.route.set(route.to_owned());
        self.flush_spent();
    }

    fn flush_spent(&self) {
        let nanos = self.spent.swap(0, Ordering::Relaxed);
        if nanos > 0 {
            let route = self.route.get().map_or(NO_ROUTE, String::as_str);
            self.budget
                .count_route_time(route, Duration::from_nanos(nanos));
        }
    }
}

impl StatementPayer for DatabasePayer {
    fn charge(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.spent.fetch_add(nanos, Ordering::Relaxed);
        match self.user.get() {
            Some(user) => self.budget.charge_user(*user, took),
            None => {
                let took = self.budget.faults.database_time(None, took);
                self.budget
                    .networks
                    .charge(self.network, took, Instant::now());
            }
        }
    }
}

impl Drop for DatabasePayer {
    fn drop(&mut self) {
        self.flush_spent();
    }
}

/// The time at which each key's bucket is full again. Full buckets are removed.
struct TimeDebts<K> {
    rate: Option<RateLimit>,
    hasher: RandomState,
    table: Mutex<DebtTable<K>>,
}

struct DebtTable<K> {
    debts: HashMap<BucketKey<K>, Instant>,
    charges: u32,
}

impl<K: Copy + Eq + Hash> TimeDebts<K> {
    fn new(rate: Option<RateLimit>) -> Self {
        Self {
            rate,
            hasher: RandomState::new(),
            table: Mutex::new(DebtTable {
                debts: HashMap::new(),
                charges: 0,
            }),
        }
    }

    fn charge(&self, key: K, took: Duration, now: Instant) {
        let Some(rate) = self.rate else {
            return;
        };
        let mut until = self.table.lock();
        until.charges = until.charges.wrapping_add(1);
        if until.charges.is_multiple_of(PRUNE_EVERY) {
            until.debts.retain(|_, until| *until > now);
        }
        let key = self.bucket_key(&until.debts, key);
        let debt = until.debts.entry(key).or_insert(now);
        // One interval of the rate restores one millisecond.
        let repaid_in = rate.interval.mul_f64(took.as_secs_f64() * 1000.0);
        let max_debt = rate.interval * rate.burst.get() + DEBT_MAX;
        *debt = ((*debt).max(now) + repaid_in).min(now + max_debt);
    }

    fn check(&self, key: K, now: Instant) -> Result<(), RateExceeded> {
        let Some(rate) = self.rate else {
            return Ok(());
        };
        let (debt, limit) = (self.debt(key, now), rate.burst.get());
        let over = debt.saturating_sub(rate.interval * limit);
        if over.is_zero() {
            return Ok(());
        }
        Err(RateExceeded {
            retry_after: whole_seconds(over).max(1),
            quota_state: RateLimitStatus {
                limit,
                remaining: 0,
                reset: whole_seconds(debt),
            },
        })
    }

    /// Returns the time until half of the budget is restored.
    fn time_to_half(&self, key: K, now: Instant) -> Duration {
        let half = self.rate.map(|rate| rate.interval * rate.burst.get() / 2);
        half.map_or(Duration::ZERO, |half| {
            self.debt(key, now).saturating_sub(half)
        })
    }

    /// Returns the time until the whole budget is restored.
    fn debt(&self, key: K, now: Instant) -> Duration {
        let until = self.table.lock();
        let key = self.bucket_key(&until.debts, key);
        let debt = until.debts.get(&key);
        debt.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    fn bucket_key(&self, debts: &HashMap<BucketKey<K>, Instant>, key: K) -> BucketKey<K> {
        let own = BucketKey::Own(key);
        if debts.len() < BUCKETS_MAX || debts.contains_key(&own) {
            return own;
        }
        BucketKey::Shared(self.hasher.hash_one(&own) % SHARED_BUCKETS)
    }
}

/// The database time of each account, in this period and the previous one.
struct AccountTimes {
    began: Instant,
    present: HashMap<UserId, Duration>,
    past: HashMap<UserId, Duration>,
}

impl AccountTimes {
    fn new(now: Instant) -> Self {
        Self {
            began: now,
            present: HashMap::new(),
            past: HashMap::new(),
        }
    }

    fn rotate_periods(&mut self, now: Instant) {
        let periods = now.saturating_duration_since(self.began).as_secs() / PERIOD.as_secs();
        if periods == 0 {
            return;
        }
        let present = std::mem::take(&mut self.present);
        self.past = if periods == 1 {
            present
        } else {
            HashMap::new()
        };
        self.began = now;
    }

    /// Adds time to an account. Accounts beyond [`BUCKETS_MAX`] in a period
    /// aren't listed.
    fn add(&mut self, user: UserId, took: Duration, now: Instant) {
        self.rotate_periods(now);
        if self.present.len() < BUCKETS_MAX || self.present.contains_key(&user) {
            *self.present.entry(user).or_default() += took;
        }
    }

    fn most_expensive(&mut self, count: usize, now: Instant) -> Vec<(UserId, Duration)> {
        self.rotate_periods(now);
        let mut sums = self.past.clone();
        for (user, took) in &self.present {
            *sums.entry(*user).or_default() += *took;
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_unstable_by_key(|(user, took)| (Reverse(*took), user.0));
        sums.truncate(count);
        sums
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const ANN: UserId = UserId(1);
    const BEN: UserId = UserId(2);

    /// 500 ms at once, then 50 ms a second.
    fn debts() -> TimeDebts<UserId> {
        TimeDebts::new(Some(RateLimit {
            burst: NonZeroU32::new(500).unwrap(),
            interval: Duration::from_millis(20),
        }))
    }

    #[test]
    fn budget_refills_at_its_pace() {
        let (debts, now) = (debts(), Instant::now());
        let wait = |after| debts.check(ANN, now + Duration::from_millis(after));
        debts.charge(ANN, Duration::from_millis(500), now);
        assert_eq!(wait(0), Ok(()));
        debts.charge(ANN, Duration::from_millis(100), now);
        assert_eq!(wait(0).unwrap_err().retry_after, 2);
        assert_eq!(wait(1_500).unwrap_err().retry_after, 1);
        assert_eq!(wait(2_000), Ok(()));
        assert_eq!(debts.check(BEN, now), Ok(()));
    }

    #[test]
    fn longest_statement_has_an_end() {
        let (debts, now) = (debts(), Instant::now());
        debts.charge(ANN, Duration::from_secs(3600), now);
        let too_much = debts.check(ANN, now).unwrap_err();
        assert_eq!(u64::from(too_much.retry_after), DEBT_MAX.as_secs());
    }

    #[test]
    fn limit_that_is_off_refuses_nothing() {
        let (debts, now) = (TimeDebts::new(None), Instant::now());
        debts.charge(ANN, Duration::from_secs(3600), now);
        assert_eq!(debts.check(ANN, now), Ok(()));
    }

    #[test]
    fn expensive_accounts_come_first() {
        let now = Instant::now();
        let mut times = AccountTimes::new(now);
        let ms = Duration::from_millis;
        times.add(ANN, ms(3), now);
        times.add(BEN, ms(4), now);
        let later = now + PERIOD;
        times.add(ANN, ms(2), later);
        assert_eq!(times.most_expensive(9, later), [(ANN, ms(5)), (BEN, ms(4))]);
        assert_eq!(times.most_expensive(1, later), [(ANN, ms(5))]);
        assert_eq!(times.most_expensive(9, later + PERIOD), [(ANN, ms(2))]);
        assert_eq!(times.most_expensive(9, later + 4 * PERIOD), []);
    }
}
