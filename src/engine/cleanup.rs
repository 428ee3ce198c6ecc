//! Deletes rows that are out of use: logins, password links and invitations
//! that ended long ago. Deletes in small batches, so that other writes don't
//! wait for long.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use entity::Millis;

use super::{Engine, EngineInner};

/// Runs at the start and then periodically, until the engine stops.
pub(super) fn start_cleanup(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.cleanup_every;
    engine.inner.background.repeat(every, move || {
        let inner = weak.upgrade();
        async move {
            let Some(inner) = inner else {
                return false;
            };
            delete_ended(&inner).await;
            true
        }
    });
}

async fn delete_ended(inner: &EngineInner) {
    while !inner.is_stopping.load(Ordering::Acquire) {
        match inner
            .store
            .maintenance()
            .delete_ended_rows(Millis::now())
            .await
        {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                return tracing::warn!(%error, "can't delete rows that are no longer used");
            }
        }
    }
}
