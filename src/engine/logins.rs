//! Finds logins that ended at the command line or on another node. Each process
//! looks twice a second, so that an ended login loses its sockets within one
//! second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::Millis;
use parking_lot::Mutex;

use super::{Engine, EngineInner};
use crate::protocol::CloseCode;

/// The state that is kept between checks.
struct LoginWatch {
    checked_at: Mutex<Millis>,
    was_reachable: AtomicBool,
}

/// Checks periodically until the engine stops. Each check asks for logins that
/// ended since the last successful check, with an overlap. Closing a socket
/// twice does nothing.
pub(super) fn watch_logins(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.login_check_every;
    let watch = Arc::new(LoginWatch {
        checked_at: Mutex::new(Millis::now()),
        was_reachable: AtomicBool::new(true),
    });
    engine.inner.background.repeat(every, move || {
        let (inner, watch) = (weak.upgrade(), Arc::clone(&watch));
        async move {
            let Some(inner) = inner else {
                return false;
            };
            watch.close_ended(&inner).await;
            true
        }
    });
}

impl LoginWatch {
    async fn close_ended(&self, inner: &EngineInner) {
        let now = Millis::now();
        let overlap = inner.settings.timings.login_check_overlap;
        // If the clock was set back, `checked_at` lies in the future.
        let since = (*self.checked_at.lock()).min(now).before(overlap);
        match inner.store.logins().list_ended_since(since).await {
            Ok(ended) => {
                *self.checked_at.lock() = now;
                self.was_reachable.store(true, Ordering::Relaxed);
                for (login, user) in ended {
                    let directory = &inner.directory;
                    directory.close_login(user, login, CloseCode::LoginEnded);
                }
            }
            Err(error) => {
                if self.was_reachable.swap(false, Ordering::Relaxed) {
                    tracing::error!(%error, "can't check for ended logins");
                }
            }
        }
    }
}
