//! Tickets: words that open one socket each, within seconds, for clients that
//! can say who they are only in a URL. URLs get into logs; a ticket there is
//! spent.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use entity::{LoginId, UserId};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::random;

/// How long a ticket holds.
pub const TICKET_TTL: Duration = Duration::from_secs(10);

/// The most tickets at a time, each of about 150 bytes.
const MOST: usize = 65_536;

/// Whose login a ticket is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketHolder {
    pub user: UserId,
    pub login: LoginId,
}

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    #[error("too many tickets are out")]
    TooMany,
    #[error("the system has no randomness to give: {0}")]
    Random(#[from] getrandom::Error),
}

/// The tickets that are out. They are kept in memory as digests: a restart spends
/// all of them.
#[derive(Default)]
pub struct Tickets(Mutex<Out>);

#[derive(Default)]
struct Out {
    holders: HashMap<String, TicketHolder>,
    /// In the order in which they end, also those that were used.
    ends: VecDeque<(Instant, String)>,
}

impl Tickets {
    /// A ticket for a login.
    ///
    /// # Errors
    /// See [`TicketError`].
    pub fn issue(&self, holder: TicketHolder, now: Instant) -> Result<String, TicketError> {
        let ticket = random::word()?;
        let digest = random::digest(&ticket);
        let mut out = self.0.lock();
        out.forget(now);
        if out.ends.len() >= MOST {
            return Err(TicketError::TooMany);
        }
        out.holders.insert(digest.clone(), holder);
        out.ends.push_back((now + TICKET_TTL, digest));
        Ok(ticket)
    }

    /// Whose login a ticket is of; it is spent by that.
    pub fn redeem(&self, ticket: &str, now: Instant) -> Option<TicketHolder> {
        let digest = random::digest(ticket);
        let mut out = self.0.lock();
        out.forget(now);
        out.holders.remove(&digest)
    }
}

impl Out {
    fn forget(&mut self, now: Instant) {
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
    fn ticket_holds_once_and_for_seconds() {
        let tickets = Tickets::default();
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
    fn tickets_are_bounded_until_they_end() {
        let tickets = Tickets::default();
        let now = Instant::now();
        for _ in 0..MOST {
            tickets.issue(ANN, now).unwrap();
        }
        assert!(matches!(tickets.issue(ANN, now), Err(TicketError::TooMany)));
        tickets.issue(ANN, now + TICKET_TTL).unwrap();
        assert_eq!(tickets.0.lock().holders.len(), 1);
    }
}
