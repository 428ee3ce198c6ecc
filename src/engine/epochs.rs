//! Notes each minute how far the database is, so that a start sees if it was
//! put back to an older state.

use std::sync::Arc;

use super::Engine;

/// Runs until the engine stops; the stop itself notes it once more.
pub(super) fn note(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.epoch_noted_every;
    engine.inner.background.repeat(every, move || {
        let inner = weak.upgrade();
        async move {
            let Some(inner) = inner else {
                return false;
            };
            let data_dir = &inner.settings.data_dir;
            if let Err(error) = inner.store.note_epoch(data_dir).await {
                tracing::warn!(%error, "can't note how far the database is");
            }
            true
        }
    });
}
