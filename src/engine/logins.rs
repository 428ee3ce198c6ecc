//! Logins that end elsewhere: at the command line, or on another node. Each
//! process looks for them twice a second, so that an ended login loses its
//! sockets within one whoever ended it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::Millis;
use parking_lot::Mutex;

use super::{Engine, Inner};
use crate::protocol::CloseCode;

/// What is known from the looks before.
struct LoginWatch {
    looked: Mutex<Millis>,
    was_well: AtomicBool,
}

/// Looks from now on, as long as there is an engine: each time for what ended
/// since the last look that found anything out, however long ago that was, and
/// a little before. Closing a socket twice does nothing.
pub(super) fn watch(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.login_check_every;
    let watch = Arc::new(LoginWatch {
        looked: Mutex::new(Millis::now()),
        was_well: AtomicBool::new(true),
    });
    engine.inner.background.repeat(every, move || {
        let (inner, watch) = (weak.upgrade(), Arc::clone(&watch));
        async move {
            let Some(inner) = inner else {
                return false;
            };
            watch.look(&inner).await;
            true
        }
    });
}

impl LoginWatch {
    async fn look(&self, inner: &Inner) {
        let now = Millis::now();
        let overlap = inner.settings.timings.login_check_overlap;
        // A clock that was set back would have us look past what it notes.
        let since = (*self.looked.lock()).min(now).before(overlap);
        match inner.store.logins_ended_since(since).await {
            Ok(ended) => {
                *self.looked.lock() = now;
                self.was_well.store(true, Ordering::Relaxed);
                for (login, user) in ended {
                    let directory = &inner.directory;
                    directory.close_login(user, login, CloseCode::LoginEnded);
                }
            }
            Err(error) => {
                if self.was_well.swap(false, Ordering::Relaxed) {
                    tracing::error!(%error, "can't look for ended logins");
                }
            }
        }
    }
}
