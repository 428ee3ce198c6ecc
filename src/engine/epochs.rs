//! Records each minute which version the database has reached, so that a start
//! detects an older backup.

use std::sync::Arc;

use super::Engine;

/// Records the version until the engine stops; shutdown records it once more.
pub(super) fn note_epochs(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.epoch_noted_every;
    engine.inner.background.repeat(every, move || {
        let inner = weak.upgrade();
        async move {
            let Some(inner) = inner else {
                return false;
            };
            let data_dir = &inner.settings.data_dir;
            if let Err(error) = inner.store.maintenance().save_epoch_note(data_dir).await {
                tracing::warn!(%error, "can't record the version of the database");
            }
            true
        }
    });
}
