//! Deletes rows that are out of use: logins, password links and invitations
//! that ended long ago. In small batches, so that other writes get in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use entity::Millis;
use tokio::time::MissedTickBehavior;

use super::Engine;

/// Runs at the start and then now and again, as long as there is an engine.
pub(super) fn run(engine: &Engine) {
    let inner = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.cleanup_every;
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            loop {
                let Some(inner) = inner.upgrade() else {
                    return;
                };
                if inner.is_stopping.load(Ordering::Relaxed) {
                    return;
                }
                match inner.store.delete_ended(Millis::now()).await {
                    Ok(true) => break,
                    Ok(false) => {}
                    // A stop closes the database under a reading that has begun.
                    Err(_) if inner.is_stopping.load(Ordering::Acquire) => return,
                    Err(error) => {
                        tracing::warn!(%error, "can't delete rows that are out of use");
                        break;
                    }
                }
            }
        }
    });
}
