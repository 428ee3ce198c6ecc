//! Evicts sessions that make no progress, also if no further delivery comes.

use std::sync::Arc;

use super::Engine;

/// The number of checks in the time that a session may go without progress.
const CHECKS_PER_STALL: u32 = 15;

/// Checks periodically until the engine stops.
pub(super) fn watch_progress(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.stall_within / CHECKS_PER_STALL;
    engine.inner.background.repeat(every, move || {
        let inner = weak.upgrade();
        if let Some(inner) = &inner {
            inner.directory.evict_stalled();
        }
        std::future::ready(inner.is_some())
    });
}
