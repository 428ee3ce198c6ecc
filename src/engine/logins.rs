//! Logins that end elsewhere: at the command line, or on another node. Each
//! process looks for them twice a second, so that an ended login loses its
//! sockets within one whoever ended it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use entity::Millis;

use super::Engine;
use crate::protocol::CloseCode;

/// Looks from now on, as long as there is an engine: each time for what ended
/// since the last look that found anything out, however long ago that was, and
/// a little before. Closing a socket twice does nothing.
pub(super) fn watch(engine: &Engine) {
    let inner = Arc::downgrade(&engine.inner);
    let timings = engine.inner.settings.timings.clone();
    let mut looked = Millis::now();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(timings.login_check_every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut was_well = true;
        loop {
            ticks.tick().await;
            let Some(inner) = inner.upgrade() else {
                return;
            };
            let now = Millis::now();
            // A clock that was set back would have us look past what it notes.
            let since = looked.min(now).before(timings.login_check_overlap);
            match inner.store.logins_ended_since(since).await {
                Ok(ended) => {
                    (was_well, looked) = (true, now);
                    for (login, user) in ended {
                        let directory = &inner.directory;
                        directory.close_login(user, login, CloseCode::LoginEnded);
                    }
                }
                // A stop closes the database under a reading that has begun.
                Err(_) if inner.is_stopping.load(Ordering::Acquire) => return,
                Err(error) => {
                    if was_well {
                        tracing::error!(%error, "can't look for ended logins");
                    }
                    was_well = false;
                }
            }
        }
    });
}
