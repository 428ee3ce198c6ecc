//! Socket tickets: each opens one socket, within seconds, for clients that can
//! authenticate only in the URL. URLs get into logs, where a ticket is useless:
//! it has been used or soon expires.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use entity::{LoginId, UserId};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::random;

/// Lifetime of a ticket.
pub const TICKET_TTL: Duration = Duration::from_secs(10);

/// The maximum number of unexpired tickets at a time, each of about 150 bytes.
const TICKETS_MAX: usize = 65_536;

/// The user and login that a ticket was issued to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketHolder {
    pub user: UserId,
    pub login: LoginId,
}

/// The reason why no ticket was issued.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    #[error("too many unexpired tickets")]
    TooMany,
    #[error("the system has no randomness: {0}")]
    Random(#[from] getrandom::Error),
}

/// The unexpired tickets. They are kept in memory as digests: a restart
/// invalidates all of them.
#[derive(Default)]
pub struct SocketTickets(Mutex<IssuedTickets>);

#[derive(Default)]
struct IssuedTickets {
    holders: HashMap<String, TicketHolder>,
    /// In order of expiry, including tickets that were used.
    ends: VecDeque<(Instant, String)>,
}

impl SocketTickets {
    /// Issues a ticket for a login.
    ///
    /// # Errors
    /// See [`TicketError`].
    pub fn issue(&self, holder: TicketHolder, now: Instant) -> Result<String, TicketError> {
        let ticket = random::generate_token()?;
        let digest = random::digest(&ticket);
        let mut out = self.0.lock();
        out.remove_expired(now);
        if out.ends.len() >= TICKETS_MAX {
            return Err(TicketError::TooMany);
        }
        out.holders.insert(digest.clone(), holder);
        out.ends.push_back((now + TICKET_TTL, digest));
        Ok(ticket)
    }

    /// Returns the holder of a ticket, and invalidates the ticket. Returns
    /// `None` if the ticket is unknown, used or expired.
    pub fn redeem(&self, ticket: &str, now: Instant) -> Option<TicketHolder> {
        let digest = random::digest(ticket);
        let mut out = self.0.lock();
        out.remove_expired(now);
        out.holders.remove(&digest)
    }
}

impl IssuedTickets {
    fn remove_expired(&mut self, now: Instant) {
        while let Some((_, digest)) = self.ends.pop_front_if(|(end, _)| *end <= now) {
            self.holders.remove(&digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: TicketHolder = TicketHolder {
        user: UserId(1),
        login: LoginId(2),
    };

    #[test]
    fn ticket_is_redeemed_once_before_expiry() {
        let tickets = SocketTickets::default();
        let now = Instant::now();
        let [first, second] = [(); 2].map(|()| tickets.issue(ANN, now).unwrap());
        assert_ne!(first, second);
        assert_eq!(tickets.redeem("nonsense", now), None);
        let last = now + TICKET_TTL - Duration::from_millis(1);
        assert_eq!(tickets.redeem(&first, last), Some(ANN));
        assert_eq!(tickets.redeem(&first, last), None);
        assert_eq!(tickets.redeem(&second, now + TICKET_TTL), None);
    }

    #[test]
    fn ticket_count_is_bounded_until_expiry() {
        let tickets = SocketTickets::default();
        let now = Instant::now();
        for _ in 0..TICKETS_MAX {
            tickets.issue(ANN, now).unwrap();
        }
        assert!(matches!(tickets.issue(ANN, now), Err(TicketError::TooMany)));
        tickets.issue(ANN, now + TICKET_TTL).unwrap();
        assert_eq!(tickets.0.lock().holders.len(), 1);
    }
}
