//! How many sockets each user has.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use entity::UserId;
use parking_lot::Mutex;

use crate::protocol::problem::Standing;
use crate::protocol::{Code, Problem};

/// When to come again for a socket, in seconds: nobody knows when one closes.
const SOCKET_RETRY: u32 = 5;

/// How many sockets each user has, of those that have any.
#[derive(Clone)]
pub(super) struct Seats {
    most: Option<NonZeroU32>,
    pub(super) taken: Arc<Mutex<HashMap<UserId, u32>>>,
}

/// Room for one socket, until it is freed or dropped.
pub struct Seat(Mutex<Option<(Seats, UserId)>>);

impl Seats {
    pub(super) fn new(most: Option<NonZeroU32>) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    pub(super) fn take(&self, user: UserId) -> Result<Seat, Problem> {
        let Some(most) = self.most else {
            return Ok(Seat::unlimited());
        };
        let mut taken = self.taken.lock();
        let count = taken.entry(user).or_default();
        if *count >= most.get() {
            return Err(Problem {
                retry_after: Some(SOCKET_RETRY),
                standing: Some(Standing {
                    limit: most.get(),
                    remaining: 0,
                    reset: SOCKET_RETRY,
                }),
                ..Problem::new(Code::RateLimited, "You have too many sockets open.")
            });
        }
        *count += 1;
        Ok(Seat(Mutex::new(Some((self.clone(), user)))))
    }
}

impl Seat {
    /// One that counts nowhere.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(Mutex::new(None))
    }

    /// Gives the room back, whether or not the socket is gone.
    pub fn free(&self) {
        let Some((seats, user)) = self.0.lock().take() else {
            return;
        };
        let mut taken = seats.taken.lock();
        if let Some(count) = taken.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&user);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.free();
    }
}
