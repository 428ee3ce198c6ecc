//! Sessions that make no progress, also when nothing more is delivered to
//! them.

use std::sync::Arc;

use super::Engine;

/// How often they are looked for in the time that a session has.
const LOOKS: u32 = 15;

/// Looks from now on, as long as there is an engine.
pub(super) fn watch(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.stall_within / LOOKS;
    engine.inner.background.repeat(every, move || {
        let inner = weak.upgrade();
        if let Some(inner) = &inner {
            inner.directory.check_progress();
        }
        std::future::ready(inner.is_some())
    });
}
