//! Notes each minute how far the database is, so that a start sees if it was
//! put back to an older state.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::MissedTickBehavior;

use super::Engine;

/// Runs as long as there is an engine.
pub(super) fn note(engine: &Engine) {
    let inner = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.epoch_noted_every;
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The start noted it.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let Some(inner) = inner.upgrade() else {
                return;
            };
            if inner.is_stopping.load(Ordering::Acquire) {
                return;
            }
            let noted = inner.store.note_epoch(&inner.settings.data_dir).await;
            match noted {
                Ok(_) => {}
                // A stop closes the database under a statement that has begun.
                Err(_) if inner.is_stopping.load(Ordering::Acquire) => return,
                Err(error) => {
                    tracing::warn!(%error, "can't note how far the database is");
                }
            }
        }
    });
}
