//! How much database time each user and each address may take: a bucket that
//! is paid after the fact, since no statement is stopped halfway.
//!
//! Before login, an address pays; after it, the user alone.

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
    BUCKETS, ClientNetwork, FORGET_EVERY, Key, Origin, Rates, SHARED, Standing, TooMuch, seconds,
};
use crate::config::Rate;
use crate::counters::{Counters, NO_ROUTE};
use crate::engine::testing::Faults;
use crate::store::StatementPayer;

/// No statement, however long, keeps its user out for longer than this.
const DEBT_MAX: Duration = Duration::from_secs(600);
/// The most expensive accounts are those of two such periods.
const PERIOD: Duration = Duration::from_secs(300);

/// What a statement's time is charged to: a user, or before login an address.
pub struct DatabasePayer {
    budget: Arc<DatabaseBudget>,
    place: ClientNetwork,
    user: OnceLock<UserId>,
    /// Not yet counted for the route, in nanoseconds.
    spent: AtomicU64,
    route: OnceLock<String>,
}

/// The budgets of all users and addresses.
pub(super) struct DatabaseBudget {
    users: Debts<UserId>,
    places: Debts<ClientNetwork>,
    accounts: Mutex<AccountTimes>,
    counters: Arc<Counters>,
    faults: Faults,
}

impl Rates {
    /// Waits until a user can afford one more step of long work.
    pub async fn afford(&self, user: UserId) {
        self.database.afford(user).await;
    }

    /// What pays for a request's statements: its address, until its login is
    /// known.
    pub fn payer_of_address(&self, from: Option<IpAddr>) -> Arc<DatabasePayer> {
        DatabasePayer::of_address(Arc::clone(&self.database), from)
    }

    /// What pays for the statements of a user's socket.
    pub fn payer_of_socket(&self, user: UserId) -> Arc<dyn StatementPayer> {
        let payer = self.payer_of_address(None);
        payer.log_in(user);
        payer.count_for("sockets");
        payer
    }

    /// A transaction took this much of these users together.
    pub(in crate::engine) fn charge_shares(&self, shares: &[(UserId, Duration)]) {
        for (user, took) in shares {
            self.database.charge_user(*user, *took);
        }
        let all = shares.iter().map(|(_, took)| *took).sum();
        self.database.count("journal", all);
    }

    /// The users whose statements took most of the last ten minutes.
    #[must_use]
    pub fn most_expensive(&self, count: usize) -> Vec<(UserId, Duration)> {
        self.database.most_expensive(count)
    }
}

impl DatabaseBudget {
    pub(super) fn new(rate: Option<Rate>, counters: Arc<Counters>, faults: Faults) -> Self {
        Self {
            users: Debts::new(rate),
            places: Debts::new(rate),
            accounts: Mutex::new(AccountTimes::new(Instant::now())),
            counters,
            faults,
        }
    }

    /// Whether a user may ask for more.
    pub(super) fn check_user(&self, user: UserId) -> Result<(), TooMuch> {
        self.users.check(user, Instant::now())
    }

    /// Waits until a user has half of the budget, so that work of many steps
    /// leaves the other half to what the user does meanwhile.
    pub(super) async fn afford(&self, user: UserId) {
        loop {
            match self.users.until_half(user, Instant::now()) {
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

    /// What was spent for a route.
    pub(super) fn count(&self, route: &str, took: Duration) {
        self.counters.database.spent(route, took);
    }

    /// The accounts that took the most in the last ten minutes.
    pub(super) fn most_expensive(&self, count: usize) -> Vec<(UserId, Duration)> {
        self.accounts.lock().top(count, Instant::now())
    }
}

impl DatabasePayer {
    pub(super) fn of_address(budget: Arc<DatabaseBudget>, from: Option<IpAddr>) -> Arc<Self> {
        Arc::new(Self {
            budget,
            place: Origin::of(from).customer(),
            user: OnceLock::new(),
            spent: AtomicU64::new(0),
            route: OnceLock::new(),
        })
    }

    /// From now on this user pays.
    pub fn log_in(&self, user: UserId) {
        let _ = self.user.set(user);
    }

    /// Whether it may ask for more.
    ///
    /// # Errors
    /// If its user or address took too much database time.
    pub fn check(&self) -> Result<(), TooMuch> {
        match self.user.get() {
            Some(user) => self.budget.check_user(*user),
            None => self.budget.places.check(self.place, Instant::now()),
        }
    }

    /// Counts what is spent for a route.
    pub fn count_for(&self, route: &str) {
        let _ = self.route.set(route.to_owned());
        self.settle();
    }

    fn settle(&self) {
        let nanos = self.spent.swap(0, Ordering::Relaxed);
        if nanos > 0 {
            let route = self.route.get().map_or(NO_ROUTE, String::as_str);
            self.budget.count(route, Duration::from_nanos(nanos));
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
                self.budget.places.charge(self.place, took, Instant::now());
            }
        }
    }
}

impl Drop for DatabasePayer {
    fn drop(&mut self) {
        self.settle();
    }
}

/// Until when each has to wait before its bucket is full again. A full one is
/// forgotten.
struct Debts<K> {
    rate: Option<Rate>,
    hasher: RandomState,
    until: Mutex<Until<K>>,
}

struct Until<K> {
    debts: HashMap<Key<K>, Instant>,
    charges: u32,
}

impl<K: Copy + Eq + Hash> Debts<K> {
    fn new(rate: Option<Rate>) -> Self {
        Self {
            rate,
            hasher: RandomState::new(),
            until: Mutex::new(Until {
                debts: HashMap::new(),
                charges: 0,
            }),
        }
    }

    fn charge(&self, key: K, took: Duration, now: Instant) {
        let Some(rate) = self.rate else {
            return;
        };
        let mut until = self.until.lock();
        until.charges = until.charges.wrapping_add(1);
        if until.charges.is_multiple_of(FORGET_EVERY) {
            until.debts.retain(|_, until| *until > now);
        }
        let key = self.place(&until.debts, key);
        let debt = until.debts.entry(key).or_insert(now);
        // A rate is so long for each millisecond.
        let repaid_in = rate.each.mul_f64(took.as_secs_f64() * 1000.0);
        let most = rate.each * rate.burst.get() + DEBT_MAX;
        *debt = ((*debt).max(now) + repaid_in).min(now + most);
    }

    fn check(&self, key: K, now: Instant) -> Result<(), TooMuch> {
        let Some(rate) = self.rate else {
            return Ok(());
        };
        let (debt, limit) = (self.debt(key, now), rate.burst.get());
        let over = debt.saturating_sub(rate.each * limit);
        if over.is_zero() {
            return Ok(());
        }
        Err(TooMuch {
            retry_after: seconds(over).max(1),
            standing: Standing {
                limit,
                remaining: 0,
                reset: seconds(debt),
            },
        })
    }

    /// Until half of the budget is there again.
    fn until_half(&self, key: K, now: Instant) -> Duration {
        let half = self.rate.map(|rate| rate.each * rate.burst.get() / 2);
        half.map_or(Duration::ZERO, |half| {
            self.debt(key, now).saturating_sub(half)
        })
    }

    /// Until all of the budget is there again.
    fn debt(&self, key: K, now: Instant) -> Duration {
        let until = self.until.lock();
        let key = self.place(&until.debts, key);
        let debt = until.debts.get(&key);
        debt.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    fn place(&self, debts: &HashMap<Key<K>, Instant>, key: K) -> Key<K> {
        let own = Key::Own(key);
        if debts.len() < BUCKETS || debts.contains_key(&own) {
            return own;
        }
        Key::Shared(self.hasher.hash_one(&own) % SHARED)
    }
}

/// What each account took, in this period and the one before it.
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

    fn turn(&mut self, now: Instant) {
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

    /// Accounts beyond [`BUCKETS`] in a period aren't listed.
    fn add(&mut self, user: UserId, took: Duration, now: Instant) {
        self.turn(now);
        if self.present.len() < BUCKETS || self.present.contains_key(&user) {
            *self.present.entry(user).or_default() += took;
        }
    }

    fn top(&mut self, count: usize, now: Instant) -> Vec<(UserId, Duration)> {
        self.turn(now);
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
    fn debts() -> Debts<UserId> {
        Debts::new(Some(Rate {
            burst: NonZeroU32::new(500).unwrap(),
            each: Duration::from_millis(20),
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
        let (debts, now) = (Debts::new(None), Instant::now());
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
        assert_eq!(times.top(9, later), [(ANN, ms(5)), (BEN, ms(4))]);
        assert_eq!(times.top(1, later), [(ANN, ms(5))]);
        assert_eq!(times.top(9, later + PERIOD), [(ANN, ms(2))]);
        assert_eq!(times.top(9, later + 4 * PERIOD), []);
    }
}
