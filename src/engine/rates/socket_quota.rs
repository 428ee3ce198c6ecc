//! The limit of open sockets per user.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use entity::UserId;
use parking_lot::Mutex;

use crate::protocol::problem::RateLimitStatus;
use crate::protocol::{ErrorCode, Problem};

/// Seconds until a client should try again. An estimate: a socket may close at
/// any time.
const SOCKET_RETRY: u32 = 5;

/// The number of sockets of each user who has any.
#[derive(Clone)]
pub(super) struct SocketQuota {
    limit: Option<NonZeroU32>,
    pub(super) taken: Arc<Mutex<HashMap<UserId, u32>>>,
}

/// Permits one socket until it is released or dropped.
pub struct SocketPermit(Mutex<Option<(SocketQuota, UserId)>>);

impl SocketQuota {
    pub(super) fn new(limit: Option<NonZeroU32>) -> Self {
        Self {
            limit,
            taken: Arc::default(),
        }
    }

    pub(super) fn take(&self, user: UserId) -> Result<SocketPermit, Problem> {
        let Some(limit) = self.limit else {
            return Ok(SocketPermit::unlimited());
        };
        let mut taken = self.taken.lock();
        let count = taken.entry(user).or_default();
        if *count >= limit.get() {
            return Err(Problem {
                retry_after: Some(SOCKET_RETRY),
                rate_limit: Some(RateLimitStatus {
                    limit: limit.get(),
                    remaining: 0,
                    reset: SOCKET_RETRY,
                }),
                ..Problem::new(ErrorCode::RateLimited, "You have too many sockets open.")
            });
        }
        *count += 1;
        Ok(SocketPermit(Mutex::new(Some((self.clone(), user)))))
    }
}

impl SocketPermit {
    /// Returns a permit that counts against no limit.
    #[must_use]
    pub fn unlimited() -> Self {
        Self(Mutex::new(None))
    }

    /// Releases the permit, whether or not the socket is closed.
    pub fn release(&self) {
        let Some((quota, user)) = self.0.lock().take() else {
            return;
        };
        let mut taken = quota.taken.lock();
        if let Some(count) = taken.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&user);
            }
        }
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        self.release();
    }
}
