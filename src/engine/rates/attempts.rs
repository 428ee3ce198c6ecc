//! Limits of attempts that come before a login: passwords and new accounts.

use crate::config::{self, Rate};

use super::{ClientNetwork, Limiter, Origin, Rates, TooMuch};

/// The longest name that a bucket is kept by: no account's is longer.
const NAME_MAX: usize = 30;

/// What is counted by the address that asks.
pub(super) struct AddressLimits {
    registrations: Limiter<ClientNetwork>,
    wrong_of_account: Limiter<(String, ClientNetwork)>,
    wrong: Limiter<ClientNetwork>,
    right: Limiter<ClientNetwork>,
}

impl AddressLimits {
    /// The limits of the settings, so many times as large.
    pub(super) fn new(rates: &config::Rates, share: u32) -> Self {
        let times = |rate: Option<Rate>| rate.map(|rate| rate.times(share));
        Self {
            registrations: Limiter::new(times(rates.registrations)),
            wrong_of_account: Limiter::new(times(rates.account_logins)),
            wrong: Limiter::new(times(rates.address_logins)),
            right: Limiter::new(times(rates.address_successes)),
        }
    }
}

/// An account that is being opened. Dropped, it counts.
pub struct AccountOpening<'a> {
    limits: &'a AddressLimits,
    from: ClientNetwork,
}

/// A password that is tried. Dropped, it was wrong.
pub struct Attempt<'a> {
    rates: &'a Rates,
    limits: &'a AddressLimits,
    name: String,
    from: ClientNetwork,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Right,
    Wrong,
    NotTried,
}

impl Rates {
    /// Counts an account that is opened.
    ///
    /// # Errors
    /// If that is too much for the address.
    pub fn register(&self, origin: Origin) -> Result<AccountOpening<'_>, TooMuch> {
        let (limits, from) = (self.of_address(origin), origin.customer());
        limits.registrations.take(from)?;
        Ok(AccountOpening { limits, from })
    }

    /// Counts a password that is tried. Until the outcome is known it counts
    /// both as right and as wrong, so that many at once are no way around.
    ///
    /// # Errors
    /// If that is too much for the account or the address.
    pub fn log_in(&self, name: &str, origin: Origin) -> Result<Attempt<'_>, TooMuch> {
        let (limits, from) = (self.of_address(origin), origin.customer());
        let name: String = name.chars().take(NAME_MAX).collect();
        let name = name.to_ascii_lowercase();
        let account = (name.clone(), from);
        limits.wrong.take(from)?;
        // What was taken before a refusal is put back: one account that is
        // tried too often doesn't shut out the others of that address.
        if let Err(too_much) = limits.right.take(from) {
            limits.wrong.give_back(from);
            return Err(too_much);
        }
        let counted = match limits.wrong_of_account.take(account.clone()) {
            Ok(_) => self.logins.take(name.clone()).inspect_err(|_| {
                limits.wrong_of_account.give_back(account);
            }),
            refused @ Err(_) => refused,
        };
        if let Err(too_much) = counted {
            limits.wrong.give_back(from);
            limits.right.give_back(from);
            return Err(too_much);
        }
        Ok(Attempt {
            rates: self,
            limits,
            name,
            from,
            outcome: Outcome::Wrong,
        })
    }

    fn of_address(&self, origin: Origin) -> &AddressLimits {
        match origin.share() {
            1 => &self.by_address,
            _ => &self.by_proxy,
        }
    }
}

impl AccountOpening<'_> {
    /// The server was too busy to look at it: it doesn't count.
    pub fn was_not_tried(self) {
        self.limits.registrations.give_back(self.from);
    }
}

impl Attempt<'_> {
    /// It counts with what its account and its address may ask.
    pub fn was_right(mut self) {
        self.outcome = Outcome::Right;
    }

    /// The server was too busy to look at it: it doesn't count at all.
    pub fn was_not_tried(mut self) {
        self.outcome = Outcome::NotTried;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        if self.outcome != Outcome::Wrong {
            self.limits.wrong.give_back(self.from);
            let account = (name.clone(), self.from);
            self.limits.wrong_of_account.give_back(account);
        }
        if self.outcome != Outcome::Right {
            self.limits.right.give_back(self.from);
            self.rates.logins.give_back(name);
        }
    }
}
