//! Limits of attempts before a login: passwords and new accounts.

use crate::config::{self, RateLimit};

use super::{ClientNetwork, KeyedLimiter, RateExceeded, RateLimiters, RequestOrigin};

/// The longest name used as a key: no account's name is longer.
const NAME_MAX: usize = 30;

/// The limits by the client's address.
pub(super) struct AddressLimits {
    registrations: KeyedLimiter<ClientNetwork>,
    account_failures: KeyedLimiter<(String, ClientNetwork)>,
    failures: KeyedLimiter<ClientNetwork>,
    successes: KeyedLimiter<ClientNetwork>,
}

impl AddressLimits {
    /// Returns the limits of the settings, multiplied by `share`.
    pub(super) fn new(rates: &config::RateLimits, share: u32) -> Self {
        let times = |rate: Option<RateLimit>| rate.map(|rate| rate.times(share));
        Self {
            registrations: KeyedLimiter::new(times(rates.registrations)),
            account_failures: KeyedLimiter::new(times(rates.account_logins)),
            failures: KeyedLimiter::new(times(rates.address_logins)),
            successes: KeyedLimiter::new(times(rates.address_successes)),
        }
    }
}

/// A registration under way. It counts against the limit unless it is
/// cancelled.
pub struct RegistrationAttempt<'a> {
    limits: &'a AddressLimits,
    from: ClientNetwork,
}

/// A password check under way. If dropped without an outcome, it counts as a
/// failure.
pub struct LoginAttempt<'a> {
    rates: &'a RateLimiters,
    limits: &'a AddressLimits,
    name: String,
    from: ClientNetwork,
    outcome: AttemptOutcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AttemptOutcome {
    Success,
    Failure,
    Cancelled,
}

impl RateLimiters {
    /// Counts a registration.
    ///
    /// # Errors
    /// If the address exceeds its limit.
    pub fn check_registration(
        &self,
        origin: RequestOrigin,
    ) -> Result<RegistrationAttempt<'_>, RateExceeded> {
        let (limits, from) = (self.limits_of(origin), origin.customer_network());
        limits.registrations.take(from)?;
        Ok(RegistrationAttempt { limits, from })
    }

    /// Counts a password that is being checked. Until the outcome is known it
    /// counts both as right and as wrong, so that parallel attempts can't avoid
    /// the limit.
    ///
    /// # Errors
    /// If the account or the address exceeds its limit.
    pub fn check_login(
        &self,
        name: &str,
        origin: RequestOrigin,
    ) -> Result<LoginAttempt<'_>, RateExceeded> {
        let (limits, from) = (self.limits_of(origin), origin.customer_network());
        let name: String = name.chars().take(NAME_MAX).collect();
        let name = name.to_ascii_lowercase();
        let account = (name.clone(), from);
        limits.failures.take(from)?;
        // Tokens taken before a refusal are returned: many attempts on one
        // account don't block the other accounts at that address.
        if let Err(too_much) = limits.successes.take(from) {
            limits.failures.refund(from);
            return Err(too_much);
        }
        let counted = match limits.account_failures.take(account.clone()) {
            Ok(_) => self.logins.take(name.clone()).inspect_err(|_| {
                limits.account_failures.refund(account);
            }),
            refused @ Err(_) => refused,
        };
        if let Err(too_much) = counted {
            limits.failures.refund(from);
            limits.successes.refund(from);
            return Err(too_much);
        }
        Ok(LoginAttempt {
            rates: self,
            limits,
            name,
            from,
            outcome: AttemptOutcome::Failure,
        })
    }

    fn limits_of(&self, origin: RequestOrigin) -> &AddressLimits {
        match origin.limit_factor() {
            1 => &self.by_address,
            _ => &self.by_proxy,
        }
    }
}

impl RegistrationAttempt<'_> {
    /// Refunds the attempt: the server was too busy to handle it.
    pub fn cancel(self) {
        self.limits.registrations.refund(self.from);
    }
}

impl LoginAttempt<'_> {
    /// Counts the attempt as a success of its account and address, and as no
    /// failure.
    pub fn mark_successful(mut self) {
        self.outcome = AttemptOutcome::Success;
    }

    /// Refunds the attempt: the server was too busy to check the password.
    pub fn cancel(mut self) {
        self.outcome = AttemptOutcome::Cancelled;
    }
}

impl Drop for LoginAttempt<'_> {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        if self.outcome != AttemptOutcome::Failure {
            self.limits.failures.refund(self.from);
            let account = (name.clone(), self.from);
            self.limits.account_failures.refund(account);
        }
        if self.outcome != AttemptOutcome::Success {
            self.limits.successes.refund(self.from);
            self.rates.logins.refund(name);
        }
    }
}
